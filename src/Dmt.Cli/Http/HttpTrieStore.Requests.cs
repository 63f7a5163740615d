using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Encodings.Web;
using System.Text.Json;
using Dmt.Cli.Transfer;
using Dmt.Core;

namespace Dmt.Cli.Http;

/// <content>How requests are made and how errors, HTTP's and the network's, become DmtExceptions.</content>
internal sealed partial class HttpTrieStore
{
    private static readonly JsonWriterOptions LineOptions =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly UriCreationOptions AsItIs = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private static string Escape(ReadOnlySpan<byte> bytes) => QueryText.Escape(bytes);

    /// <summary>The path goes out as it is: canonicalised, the key <c>%2E%2E</c> would be a step up.</summary>
    private HttpRequestMessage Request(HttpMethod method, string pathAndQuery) =>
        new(method, new Uri(_url.AbsoluteUri.TrimEnd('/') + pathAndQuery, AsItIs));

    private static void SetCondition(HttpRequestMessage request, WriteCondition condition)
    {
        switch (condition.Kind)
        {
            case WriteCondition.Kinds.Absent:
                request.Headers.TryAddWithoutValidation("If-None-Match", "*");
                break;
            case WriteCondition.Kinds.Present:
                request.Headers.TryAddWithoutValidation("If-Match", "*");
                break;
            case WriteCondition.Kinds.VersionIs:
                request.Headers.TryAddWithoutValidation(
                    "If-Match", string.Create(CultureInfo.InvariantCulture, $"\"{condition.Version}\""));
                break;
            default:
                break;
        }
    }

    /// <summary>The answer; any status but 2xx and <paramref name="alsoFine"/> is thrown as what it means.</summary>
    private async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        HttpCompletionOption completion,
        CancellationToken cancellationToken,
        HttpStatusCode alsoFine = HttpStatusCode.OK)
    {
        HttpResponseMessage response;
        try
        {
            response = await _client.SendAsync(request, completion, cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw Unreachable(e);
        }

        if (response.IsSuccessStatusCode || response.StatusCode == alsoFine)
        {
            return response;
        }

        using (response)
        {
            throw await ProblemAsync(response, cancellationToken);
        }
    }

    private async Task<byte[]> ReadBodyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return await response.Content.ReadAsByteArrayAsync(cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw BrokenOff(e);
        }
    }

    private DmtException Unreachable(Exception e)
    {
        var url = _url.AbsoluteUri.TrimEnd('/');
        var socketError = ((e as HttpRequestException)?.InnerException as SocketException)?.SocketErrorCode;
        return socketError == SocketError.ConnectionRefused
            ? DmtException.Unavailable($"no server answers at {url}: start one with `dmt serve`", e)
            : DmtException.Unavailable($"no answer from {url}: {(e.InnerException ?? e).Message.TrimEnd('.')}", e);
    }

    private DmtException BrokenOff(Exception e) => DmtException.Unavailable(
        $"the answer of {_url.AbsoluteUri.TrimEnd('/')} broke off: {(e.InnerException ?? e).Message.TrimEnd('.')}", e);

    /// <summary>What the problem details of an answer say; for an answer without any, what its status means.</summary>
    private async Task<DmtException> ProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await ReadBodyAsync(response, cancellationToken);
        try
        {
            using var problem = JsonDocument.Parse(body);
            var root = problem.RootElement;
            var detail = root.GetProperty("detail").GetString()!;
            if (root.TryGetProperty("line", out var line))
            {
                // The lines of a bulk body are this class's own: they mean nothing to its caller.
                var prefix = string.Create(CultureInfo.InvariantCulture, $"line {line.GetInt64()}: ");
                detail = detail.StartsWith(prefix, StringComparison.Ordinal) ? detail[prefix.Length..] : detail;
            }

            var kind = root.TryGetProperty("kind", out var name)
                && Enum.TryParse<DmtErrorKind>(name.GetString(), out var known)
                ? known
                : KindOf(response.StatusCode);
            return new DmtException(kind, detail)
            {
                CurrentVersion = root.TryGetProperty("current_version", out var version) ? version.GetUInt64() : 0,
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            var status =
                string.Create(CultureInfo.InvariantCulture, $"{(int)response.StatusCode} {response.ReasonPhrase}");
            return new DmtException(
                KindOf(response.StatusCode), $"{_url.AbsoluteUri.TrimEnd('/')} answers {status}: is that a dmt server?",
                    e);
        }
    }

    private static DmtErrorKind KindOf(HttpStatusCode status) => status switch
    {
        HttpStatusCode.RequestEntityTooLarge => DmtErrorKind.TooLarge,
        HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict => DmtErrorKind.Conflict,
        HttpStatusCode.BadRequest or HttpStatusCode.UnsupportedMediaType or HttpStatusCode.RequestHeaderFieldsTooLarge
            => DmtErrorKind.InvalidArgument,
        _ => DmtErrorKind.Unavailable,
    };

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.First() : null;

    private static ulong VersionOf(HttpResponseMessage response) =>
        ulong.TryParse(response.Headers.ETag?.Tag.Trim('"'), CultureInfo.InvariantCulture, out var version) ? version
            : 0;

    /// <summary>The API has no place for it, and a write without it is applied each time that it is sent.</summary>
    private static void RefuseRequest(RequestId? request)
    {
        if (request is { } named)
        {
            throw DmtException.InvalidArgument($"{named} cannot go over HTTP: only writes that are sent once can");
        }
    }

    /// <summary>The operations of a batch as lines for <c>/bulk</c>.</summary>
    private static ReadOnlyMemory<byte> EncodeLines(WriteBatch batch)
    {
        if (batch.HasConditions)
        {
            throw DmtException.InvalidArgument(
                "a batch with conditions cannot go over HTTP: send its operations one by one");
        }

        var lines = new ArrayBufferWriter<byte>(
            (int)Math.Min(int.MaxValue / 2, (batch.UserBytes * 2) + (batch.Count * 32L) + 16));
        using var json = new Utf8JsonWriter(lines, LineOptions);
        foreach (var operation in batch)
        {
            switch (operation.Kind)
            {
                case WriteOperationKind.Put:
                    DateTimeOffset? expiresAt = operation.ExpiresAtMs > 0
                        ? DateTimeOffset.FromUnixTimeMilliseconds(operation.ExpiresAtMs)
                        : null;
                    NdjsonLine.Write(json, operation.Key, operation.Value, operation.Metadata, expiresAt);
                    break;
                case WriteOperationKind.Delete:
                    NdjsonLine.WriteDelete(json, operation.Key);
                    break;
                default:
                    throw DmtException.InvalidArgument("a batch with a range delete cannot go over HTTP");
            }

            json.Flush();
            json.Reset();
            lines.Write("\n"u8);
        }

        return lines.WrittenMemory;
    }
}
