using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Dmt.Api;
using Dmt.Cli.Transfer;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Cli.Http;

/// <summary>
/// A store behind the HTTP API of a server. Safe for concurrent use. What the API does not offer is refused with
/// InvalidArgument: range deletes that are no prefix, conditions inside a batch of several operations, and writes that
/// name themselves. Removals and batches have no version over HTTP: their calls return 0. Nothing is retried.
/// </summary>
internal sealed partial class HttpTrieStore : ITrieStore
{
    private const string LinesType = "application/x-ndjson";

    private readonly HttpClient _client;
    private readonly Uri _url;
    private readonly TimeProvider _time;

    /// <param name="url">The server's root.</param>
    /// <param name="time">Turns expiries into times to live.</param>
    public HttpTrieStore(Uri url, TimeProvider time)
    {
        _url = url;
        _time = time;
        var handler = new SocketsHttpHandler
        {
            // A proxy has no business between a tool and its own machine.
            UseProxy = !url.IsLoopback,
            AllowAutoRedirect = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
        };
        _client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    public async ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default)
    {
        Key.Validate(key.Span);
        using var request = Request(HttpMethod.Get, "/kv/" + Escape(key.Span));
        using var response = await SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, cancellationToken, HttpStatusCode.NotFound);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        var value = await ReadBodyAsync(response, cancellationToken);
        var type = EntryMetadata.CheckContentType(response.Content.Headers.ContentType?.ToString());
        var weight =
            Header(response, EntryHeaders.Weight) is { } text ? double.Parse(text, CultureInfo.InvariantCulture) : 0;
        DateTimeOffset? expiresAt = Header(response, EntryHeaders.Expires) is { } at
            ? DateTimeOffset.Parse(at, CultureInfo.InvariantCulture)
            : null;
        return new Entry(value, VersionOf(response), new EntryMetadata(type, weight).Encode(), expiresAt);
    }

    public async ValueTask<ulong> PutAsync(
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        WriteOptions options = default,
        CancellationToken cancellationToken = default)
    {
        Key.Validate(key.Span);
        RefuseRequest(options.Request);
        var metadata = EntryMetadata.Decode(options.Metadata.Span);
        var query = new QueryText().Add("fsync", options.Durability?.ToString());
        if (metadata.Weight != 0)
        {
            query.Add("weight", metadata.Weight.ToString("R", CultureInfo.InvariantCulture));
        }

        if (options.TimeToLive is { } ttl)
        {
            query.Add("ttl", string.Create(CultureInfo.InvariantCulture, $"{ttl.TotalMilliseconds}ms"));
        }

        using var request = Request(HttpMethod.Put, "/kv/" + Escape(key.Span) + query);
        request.Content = new ReadOnlyMemoryContent(value);
        if (metadata.ContentType is { } type)
        {
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        SetCondition(request, options.Condition);
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        return VersionOf(response);
    }

    public async ValueTask<ulong> DeleteAsync(
        ReadOnlyMemory<byte> key, WriteOptions options = default, CancellationToken cancellationToken = default)
    {
        Key.Validate(key.Span);
        RefuseRequest(options.Request);
        var query = new QueryText().Add("fsync", options.Durability?.ToString());
        using var request = Request(HttpMethod.Delete, "/kv/" + Escape(key.Span) + query);
        SetCondition(request, options.Condition);
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        return VersionOf(response);
    }

    public async ValueTask<ulong> DeleteRangeAsync(
        KeyRange range, WriteOptions options = default, CancellationToken cancellationToken = default)
    {
        RefuseRequest(options.Request);
        if (!KeyRange.Prefix(range.Start).Equals(range))
        {
            throw DmtException.InvalidArgument(
                "over HTTP only all keys of a prefix can be removed at once, no other range");
        }

        var query = new QueryText()
            .Add("fsync", options.Durability?.ToString()).Add("all", range.Start.IsEmpty ? "true" : null);
        using var request = Request(HttpMethod.Delete, "/bulk/prefix/" + Escape(range.Start.Span) + query);
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        return VersionOf(response);
    }

    public async ValueTask<ulong> WriteAsync(
        WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default)
    {
        RefuseRequest(batch.Request);
        var query = new QueryText().Add("fsync", durability?.ToString());
        using var request = Request(HttpMethod.Post, "/bulk" + query);
        request.Content = new ReadOnlyMemoryContent(EncodeLines(batch));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(LinesType);
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        return 0;
    }

    public async ValueTask<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken = default)
    {
        const int PageMax = 1000;
        if (request.Range.IsEmpty)
        {
            return new([], null);
        }

        var query = RangeQuery(request)
            .Add("limit", Math.Min(request.Limit, PageMax).ToString(CultureInfo.InvariantCulture))
            .Add("cursor", request.Cursor);
        using var message = Request(HttpMethod.Get, "/bulk/range" + query);
        using var response = await SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        using var page = JsonDocument.Parse(await ReadBodyAsync(response, cancellationToken));
        var entries = new List<KeyEntry>();
        foreach (var pair in page.RootElement.GetProperty("results").EnumerateArray())
        {
            entries.Add(Trim(NdjsonFields.Read(JsonMarshal.GetRawUtf8Value(pair)).ToEntry(), request.KeysOnly));
        }

        return new(entries, page.RootElement.TryGetProperty("cursor", out var cursor) ? cursor.GetString() : null);
    }

    public async ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default)
    {
        if (range.IsEmpty)
        {
            return 0;
        }

        using var request = Request(HttpMethod.Get, "/api/v1/count" + RangeQuery(new ScanRequest { Range = range }));
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        using var answer = JsonDocument.Parse(await ReadBodyAsync(response, cancellationToken));
        return answer.RootElement.GetProperty("count").GetInt64();
    }

    public async ValueTask SyncAsync(CancellationToken cancellationToken = default)
    {
        using var request = Request(HttpMethod.Post, "/api/v1/sync");
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
    }

    public async ValueTask<StoreStatistics> StatAsync(CancellationToken cancellationToken = default)
    {
        using var request = Request(HttpMethod.Get, "/api/v1/stat");
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        return JsonSerializer.Deserialize<StoreStatistics>(
            await ReadBodyAsync(response, cancellationToken), StatisticsJson.Options)
            ?? throw DmtException.Unavailable($"{_url} answers /api/v1/stat with nothing");
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private static KeyEntry Trim(KeyEntry entry, bool keysOnly) =>
        keysOnly ? entry with { Entry = entry.Entry with { Value = default } } : entry;

    /// <summary>A prefix goes as a prefix: the bound that ends it is not always text.</summary>
    private static QueryText RangeQuery(ScanRequest request)
    {
        var (start, end) = request.Range;
        var query = new QueryText().Add("reverse", request.Reverse ? "true" : null);
        if (!start.IsEmpty && KeyRange.Prefix(start).Equals(request.Range))
        {
            return query.Add("prefix", start.Span);
        }

        if (!start.IsEmpty)
        {
            query.Add("start_key", start.Span);
        }

        return end is { } bound ? query.Add("end_key", bound.Span) : query;
    }
}
