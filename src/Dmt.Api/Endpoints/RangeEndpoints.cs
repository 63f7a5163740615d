using System.Text.Json;
using System.Text.Unicode;
using Dmt.Api.Errors;
using Dmt.Api.OpenApi;
using Dmt.Api.Requests;
using Dmt.Core;
using Dmt.Core.Keys;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dmt.Api.Endpoints;

/// <summary>Ranges: pages and streams of pairs, counts, deleting by prefix.</summary>
internal sealed class RangeEndpoints(ApiServices api)
{
    private const int StreamPageEntries = 1000;
    private const int StreamPageBytes = 1 << 20;

    private static readonly ApiParameter StartKey =
        new("start_key", "First key of the range; absent: from the beginning.");
    private static readonly ApiParameter EndKey = new("end_key", "First key after the range; absent: to the end.");
    private static readonly ApiParameter Prefix = new("prefix", "Only keys that begin so; beside bounds, both hold.");
    private static readonly ApiAnswer BadRequest = new(400, "A parameter is malformed", Problems.ContentType);

    private static readonly ApiCall Range = new("GetRange", "Ranges", "Read pairs in key order")
    {
        Description = "A page, or with Accept: application/x-ndjson (or format=ndjson) the whole range as a stream, "
        + "one pair a line.",
        Query =
        [
            StartKey, EndKey, Prefix,
            new("limit", "Most pairs; unless given as many as a page may have; no limit for a stream.", "integer"),
            ApiCall.Cursor, new("reverse", "From the last key down.", "boolean"),
            new("format", "json (the default) or ndjson."), ApiCall.Consistency,
        ],
        Headers = [new("Accept", "application/x-ndjson streams the whole range.")],
        Answers =
        [
            new(
                200,
                "{\"results\": [{\"key\" or \"key_base64\", \"value\" or \"value_base64\", \"version\", "
                + "\"content_type\"?, \"weight\"?, \"expires_at\"?}], \"cursor\"?: text}; a page may be "
                + "short, only a missing cursor ends the range",
                "application/json",
                JsonStream.LinesContentType),
            BadRequest,
        ],
    };

    private static readonly ApiCall Count = new("Count", "Ranges", "Count the keys of a range")
    {
        Query = [StartKey, EndKey, Prefix, ApiCall.Consistency],
        Answers = [new(200, "{\"count\": n}", "application/json"), BadRequest],
    };

    private static readonly ApiCall DeletePrefix = new(
        "DeletePrefix", "Ranges", "Delete all keys that begin with a prefix")
    {
        Description = "One write, however many keys there are.",
        Path = new("prefix", "The prefix: everything after /bulk/prefix/, percent-decoded."),
        Query = [new("all", "Must be true for the empty prefix, which is everything.", "boolean"), ApiCall.Fsync],
        Answers = [new(204, "No such key exists now"), BadRequest],
    };

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapCall(["GET"], "/bulk/range", Range, GetRangeAsync);
        routes.MapCall(["GET"], "/api/v1/count", Count, CountAsync);
        routes.MapCall(["DELETE"], "/bulk/prefix/{prefix}", DeletePrefix, DeletePrefixAsync);
    }

    private async Task GetRangeAsync(HttpContext context, Query query)
    {
        api.CheckConsistency(query);
        var request = new ScanRequest
        {
            Range = ReadRange(query),
            Reverse = query.Flag("reverse"),
            Cursor = query.Text("cursor"),
        };
        var asLines = query.Text("format") switch
        {
            null => context.Request.Headers.Accept.ToString().Contains(
                JsonStream.LinesContentType, StringComparison.OrdinalIgnoreCase),
            "ndjson" => true,
            "json" => false,
            _ => throw DmtException.InvalidArgument("format must be json or ndjson"),
        };
        context.Response.Headers.Vary = "Accept";
        if (asLines)
        {
            await StreamAsync(context, request, query.Limit(long.MaxValue, long.MaxValue));
            return;
        }

        var max = api.Options.MaxRangeResponse;
        request = request with { Limit = (int)query.Limit(max, max) };
        var found = request.Range.IsEmpty
            ? new ScanPage([], null)
            : await api.Store.ScanAsync(request, context.RequestAborted);
        using var page = await JsonStream.StartAsync(context, JsonAnswer.ContentType);
        page.Json.WriteStartObject();
        page.Json.WriteStartArray("results");
        foreach (var entry in found.Entries)
        {
            WritePair(page.Json, entry);
            await page.FlushIfLargeAsync();
        }

        page.Json.WriteEndArray();
        if (found.Cursor is not null)
        {
            page.Json.WriteString("cursor", found.Cursor);
        }

        page.Json.WriteEndObject();
        await page.FlushAsync();
    }

    private async Task StreamAsync(HttpContext context, ScanRequest request, long limit)
    {
        request = request with { Limit = (int)Math.Min(limit, StreamPageEntries), BytesMax = StreamPageBytes };
        var found = request.Range.IsEmpty
            ? new ScanPage([], null)
            : await api.Store.ScanAsync(request, context.RequestAborted);
        using var page = await JsonStream.StartAsync(context, JsonStream.LinesContentType);
        while (true)
        {
            foreach (var entry in found.Entries)
            {
                WritePair(page.Json, entry);
                page.EndLine();
                await page.FlushIfLargeAsync();
            }

            limit -= found.Entries.Count;
            if (found.Cursor is null || limit == 0)
            {
                break;
            }

            request = request with { Cursor = found.Cursor, Limit = (int)Math.Min(limit, StreamPageEntries) };
            found = await api.Store.ScanAsync(request, context.RequestAborted);
        }

        await page.FlushAsync();
    }

    private async Task CountAsync(HttpContext context, Query query)
    {
        api.CheckConsistency(query);
        var range = ReadRange(query);
        var count = range.IsEmpty ? 0 : await api.Store.CountAsync(range, context.RequestAborted);
        await JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, count, static (json, count) =>
        {
            json.WriteStartObject();
            json.WriteNumber("count", count);
            json.WriteEndObject();
        });
    }

    private async Task DeletePrefixAsync(HttpContext context, Query query)
    {
        var prefix = KeyPath.Read(context, KeyPath.BulkPrefix, "prefix") ?? throw HttpProblemException.NoSuchAddress();
        api.Keys.CheckPrefix(prefix, "prefix");
        if (prefix.Length == 0 && !query.Flag("all"))
        {
            throw DmtException.InvalidArgument(
                "the prefix is empty, which is every key: if that is meant, add ?all=true");
        }

        var options = new WriteOptions { Durability = query.Durability() };
        await api.Store.DeleteRangeAsync(KeyRange.Prefix(prefix), options, context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>What start_key, end_key and prefix have in common; may be empty.</summary>
    private KeyRange ReadRange(Query query)
    {
        ReadOnlyMemory<byte> start = Bound("start_key") ?? [];
        ReadOnlyMemory<byte>? end = Bound("end_key") is { Length: > 0 } given ? given : (ReadOnlyMemory<byte>?)null;
        if (Bound("prefix") is { } prefix)
        {
            var under = KeyRange.Prefix(prefix);
            start = start.Span.SequenceCompareTo(under.Start.Span) < 0 ? under.Start : start;
            var isTighter = under.End is { } last && (end is not { } e || last.Span.SequenceCompareTo(e.Span) < 0);
            end = isTighter ? under.End : end;
        }

        return new(start, end);

        byte[]? Bound(string name)
        {
            var bound = query.Bytes(name);
            api.Keys.CheckPrefix(bound, name);
            return bound;
        }
    }

    /// <summary>The member <c>key</c>, or <c>key_base64</c>.</summary>
    public static void WriteKey(Utf8JsonWriter json, ReadOnlySpan<byte> key) =>
        WriteBytes(json, Names.Key, Names.KeyBase64, key);

    public static void WritePair(Utf8JsonWriter json, in KeyEntry pair)
    {
        json.WriteStartObject();
        WriteKey(json, pair.Key.Span);
        WriteBytes(json, Names.Value, Names.ValueBase64, pair.Entry.Value.Span);
        var metadata = EntryMetadata.Decode(pair.Entry.Metadata.Span);
        if (metadata.ContentType is not null)
        {
            json.WriteString(Names.ContentType, metadata.ContentType);
        }

        if (metadata.Weight != 0)
        {
            json.WriteNumber(Names.Weight, metadata.Weight);
        }

        json.WriteNumber(Names.Version, pair.Entry.Version);
        if (pair.Entry.ExpiresAt is { } expires)
        {
            json.WriteString(Names.ExpiresAt, expires.UtcDateTime);
        }

        json.WriteEndObject();
    }

    private static void WriteBytes(
        Utf8JsonWriter json, JsonEncodedText name, JsonEncodedText nameBase64, ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            json.WriteString(name, bytes);
        }
        else
        {
            json.WriteBase64String(nameBase64, bytes);
        }
    }

    private static class Names
    {
        public static readonly JsonEncodedText Key = JsonEncodedText.Encode("key");
        public static readonly JsonEncodedText KeyBase64 = JsonEncodedText.Encode("key_base64");
        public static readonly JsonEncodedText Value = JsonEncodedText.Encode("value");
        public static readonly JsonEncodedText ValueBase64 = JsonEncodedText.Encode("value_base64");
        public static readonly JsonEncodedText ContentType = JsonEncodedText.Encode("content_type");
        public static readonly JsonEncodedText Weight = JsonEncodedText.Encode("weight");
        public static readonly JsonEncodedText Version = JsonEncodedText.Encode("version");
        public static readonly JsonEncodedText ExpiresAt = JsonEncodedText.Encode("expires_at");
    }
}
