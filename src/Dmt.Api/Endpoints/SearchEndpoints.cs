using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text.Unicode;
using Dmt.Api.Errors;
using Dmt.Api.OpenApi;
using Dmt.Api.Requests;
using Dmt.Core;
using Dmt.Core.Keys;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dmt.Api.Endpoints;

/// <summary>
/// /search: words by prefix. In alphabetical order a page is a page of the store. By weight, the whole prefix is
/// walked, keys only, and a bounded heap keeps the best limit+1 behind the cursor: the last of them only tells that
/// there is a next page.
/// </summary>
internal sealed class SearchEndpoints(ApiServices api)
{
    private const int LimitDefault = 100;
    private const int WalkPageEntries = 4096;
    private const char AlphabeticalCursor = 'a';
    private const char WeightCursor = 'w';

    private static readonly ApiCall Search = new("Search", "Words", "Search words by prefix")
    {
        Query =
        [
            new("q", "The prefix; empty or absent means all words."),
            new("limit", "Most words in the page; 100 unless given.", "integer"),
            ApiCall.Cursor,
            new("order", "alphabetical (bytewise; the default) or weight (heaviest first, ties alphabetical)."),
            ApiCall.Consistency,
        ],
        Answers =
        [
            new(
                200,
                "{\"results\": [words], \"cursor\"?: text}; without cursor it is the last page",
                "application/json"),
            new(400, "A parameter is malformed", Problems.ContentType),
        ],
    };

    public void Map(IEndpointRouteBuilder routes) => routes.MapCall(["GET"], "/search", Search, SearchAsync);

    private async Task SearchAsync(HttpContext context, Query query)
    {
        var prefix = query.Bytes("q") ?? [];
        api.Keys.CheckPrefix(prefix, "q");
        api.CheckConsistency(query);
        var max = api.Options.MaxRangeResponse;
        var limit = (int)query.Limit(Math.Min(LimitDefault, max), max);
        var cursor = query.Text("cursor");
        var (words, next) = query.Text("order") switch
        {
            null or "alphabetical" => await AlphabeticalAsync(prefix, limit, cursor, context.RequestAborted),
            "weight" => await ByWeightAsync(prefix, limit, cursor, context.RequestAborted),
            _ => throw DmtException.InvalidArgument("order must be alphabetical or weight"),
        };
        using var page = await JsonStream.StartAsync(context, JsonAnswer.ContentType);
        var json = page.Json;
        json.WriteStartObject();
        json.WriteStartArray("results");
        foreach (var word in words)
        {
            json.WriteStringValue(word.Span);
            await page.FlushIfLargeAsync();
        }

        json.WriteEndArray();
        if (next is not null)
        {
            json.WriteString("cursor", next);
        }

        json.WriteEndObject();
        await page.FlushAsync();
    }

    private async Task<(List<ReadOnlyMemory<byte>> Words, string? Cursor)> AlphabeticalAsync(
        byte[] prefix, int limit, string? cursor, CancellationToken cancellationToken)
    {
        var words = new List<ReadOnlyMemory<byte>>(Math.Min(limit, LimitDefault));
        var at = cursor is null ? null : CursorBody(cursor, AlphabeticalCursor).ToString();
        do
        {
            var request = new ScanRequest
            {
                Range = KeyRange.Prefix(prefix),
                Limit = limit - words.Count,
                KeysOnly = true,
                Cursor = at,
            };
            var page = await api.Store.ScanAsync(request, cancellationToken);
            foreach (var (key, _) in page.Entries)
            {
                if (Utf8.IsValid(key.Span))
                {
                    words.Add(key);
                }
            }

            at = page.Cursor;
        }
        while (at is not null && words.Count < limit);
        return (words, at is null ? null : AlphabeticalCursor + at);
    }

    private async Task<(List<ReadOnlyMemory<byte>> Words, string? Cursor)> ByWeightAsync(
        byte[] prefix, int limit, string? cursor, CancellationToken cancellationToken)
    {
        var after = cursor is null ? (Candidate?)null : DecodeWeightCursor(cursor);

        // The root of the heap is the worst of the kept ones.
        var kept = new PriorityQueue<Candidate, Candidate>(Comparer<Candidate>.Create(static (x, y) => y.CompareTo(x)));
        var request = new ScanRequest { Range = KeyRange.Prefix(prefix), Limit = WalkPageEntries, KeysOnly = true };
        do
        {
            var page = await api.Store.ScanAsync(request, cancellationToken);
            foreach (var (key, entry) in page.Entries)
            {
                var candidate = new Candidate(EntryMetadata.Decode(entry.Metadata.Span).Weight, key);
                if ((kept.Count <= limit || candidate.CompareTo(kept.Peek()) < 0)
                    && (after is not { } last || candidate.CompareTo(last) > 0)
                    && Utf8.IsValid(key.Span))
                {
                    // A copy, so that one word does not keep a whole page of the store alive.
                    Keep(kept, candidate with { Key = key.ToArray() }, limit + 1);
                }
            }

            request = request with { Cursor = page.Cursor };
        }
        while (request.Cursor is not null);
        return Drain(kept, limit);
    }

    private static void Keep(PriorityQueue<Candidate, Candidate> kept, Candidate candidate, int max)
    {
        if (kept.Count == max)
        {
            kept.DequeueEnqueue(candidate, candidate);
        }
        else
        {
            kept.Enqueue(candidate, candidate);
        }
    }

    private static (List<ReadOnlyMemory<byte>> Words, string? Cursor) Drain(
        PriorityQueue<Candidate, Candidate> kept, int limit)
    {
        var hasMore = kept.Count > limit;
        if (hasMore)
        {
            kept.Dequeue();
        }

        var cursor = hasMore ? EncodeWeightCursor(kept.Peek()) : null;
        var words = new List<ReadOnlyMemory<byte>>(kept.Count);
        while (kept.TryDequeue(out var candidate, out _))
        {
            words.Add(candidate.Key);
        }

        words.Reverse();
        return (words, cursor);
    }

    private static string EncodeWeightCursor(Candidate last)
    {
        var bytes = new byte[sizeof(double) + last.Key.Length];
        BinaryPrimitives.WriteDoubleBigEndian(bytes, last.Weight);
        last.Key.Span.CopyTo(bytes.AsSpan(sizeof(double)));
        return WeightCursor + Base64Url.EncodeToString(bytes);
    }

    private static Candidate DecodeWeightCursor(string cursor)
    {
        var body = CursorBody(cursor, WeightCursor);
        if (!Base64Url.IsValid(body, out var length)
            || length <= sizeof(double) || length > sizeof(double) + Key.BytesMax)
        {
            throw BadCursor();
        }

        var bytes = Base64Url.DecodeFromChars(body);
        return new(BinaryPrimitives.ReadDoubleBigEndian(bytes), bytes.AsMemory(sizeof(double)));
    }

    private static ReadOnlySpan<char> CursorBody(string cursor, char kind) =>
        cursor.Length > 1 && cursor[0] == kind ? cursor.AsSpan(1) : throw BadCursor();

    private static DmtException BadCursor() =>
        DmtException.InvalidArgument("the cursor is none that a search in this order has given");

    /// <summary>A word in the order of weight: heavier is less, and so comes first.</summary>
    private readonly record struct Candidate(double Weight, ReadOnlyMemory<byte> Key) : IComparable<Candidate>
    {
        public int CompareTo(Candidate other)
        {
            var byWeight = other.Weight.CompareTo(Weight);
            return byWeight != 0 ? byWeight : Key.Span.SequenceCompareTo(other.Key.Span);
        }
    }
}
