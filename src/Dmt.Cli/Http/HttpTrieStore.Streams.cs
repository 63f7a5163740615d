using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Dmt.Cli.Transfer;
using Dmt.Core;

namespace Dmt.Cli.Http;

/// <content>What a server does better in one request than a client in many: whole ranges, and searches.</content>
internal sealed partial class HttpTrieStore : IEntryStreams
{
    private const int StreamBufferBytes = 64 << 10;

    public async IAsyncEnumerable<KeyEntry> StreamAsync(
        ScanRequest request, long limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var query = RangeQuery(request).Add(
            "limit", limit == long.MaxValue ? null : limit.ToString(CultureInfo.InvariantCulture));
        using var message = Request(HttpMethod.Get, "/bulk/range" + query);
        message.Headers.TryAddWithoutValidation("Accept", LinesType);
        using var response = await SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var lines = new RecordReader(body, quoted: false, bufferBytes: StreamBufferBytes);
        while (await ReadLineAsync(lines, cancellationToken))
        {
            yield return Trim(NdjsonFields.Read(lines.Current).ToEntry(), request.KeysOnly);
        }
    }

    public async IAsyncEnumerable<string> SearchAsync(
        string prefix, long limit, bool byWeight, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        const int PageMax = 100;
        string? cursor = null;
        var left = limit;
        do
        {
            var query = new QueryText()
                .Add("q", prefix)
                .Add("limit", Math.Min(left, PageMax).ToString(CultureInfo.InvariantCulture))
                .Add("order", byWeight ? "weight" : null)
                .Add("cursor", cursor);
            using var message = Request(HttpMethod.Get, "/search" + query);
            using var response = await SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            using var page = JsonDocument.Parse(await ReadBodyAsync(response, cancellationToken));
            foreach (var word in page.RootElement.GetProperty("results").EnumerateArray())
            {
                yield return word.GetString()!;
                left--;
            }

            cursor = page.RootElement.TryGetProperty("cursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null && left > 0);
    }

    private async ValueTask<bool> ReadLineAsync(RecordReader lines, CancellationToken cancellationToken)
    {
        try
        {
            return await lines.ReadAsync(cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw BrokenOff(e);
        }
    }
}
