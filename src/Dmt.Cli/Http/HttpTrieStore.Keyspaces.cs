using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Dmt.Api;
using Dmt.Cli.Transfer;
using Dmt.Core;

namespace Dmt.Cli.Http;

/// <content>Keyspaces of the store behind the server.</content>
internal sealed partial class HttpTrieStore : IKeyspaceSearch
{
    private const string KeyspacesPath = "/admin/keyspaces";

    public async ValueTask<IReadOnlyList<KeyspaceInfo>> ListKeyspacesAsync(
        CancellationToken cancellationToken = default)
    {
        using var request = Request(HttpMethod.Get, KeyspacesPath);
        return await AskAsync(request, KeyspaceJson.Read, cancellationToken);
    }

    public async ValueTask<MatchPage> MatchAsync(MatchRequest request, CancellationToken cancellationToken = default)
    {
        const int PageMax = 1000;
        var query = new QueryText().Add("match", request.Pattern)
            .Add("keyspace", request.Keyspace)
            .Add("values", request.WithValues ? "true" : null)
            .Add("limit", Math.Min(request.Limit, PageMax).ToString(CultureInfo.InvariantCulture))
            .Add("cursor", request.Cursor)
            .Add("consistency", request.IsStrong ? null : "eventual");
        using var message = Request(HttpMethod.Get, "/kv" + query);
        return await AskAsync(message, json => ReadMatches(json, request.WithValues), cancellationToken);
    }

    public async ValueTask<bool> RebuildKeyspaceAsync(string name, CancellationToken cancellationToken = default)
    {
        using var request =
            Request(HttpMethod.Post, $"{KeyspacesPath}/{Uri.EscapeDataString(name)}/rebuild");
        using var response = await SendAsync(
            request, HttpCompletionOption.ResponseContentRead, cancellationToken, HttpStatusCode.NotFound);
        return response.StatusCode != HttpStatusCode.NotFound;
    }

    private static MatchPage ReadMatches(JsonElement json, bool withValues)
    {
        try
        {
            return new MatchPage(
                [.. json.GetProperty("results").EnumerateArray().Select(one => ReadMatch(one, withValues))],
                json.TryGetProperty("cursor", out var cursor) ? cursor.GetString() : null,
                json.GetProperty("lag_ms").GetInt64());
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new JsonException(e.Message, e);
        }
    }

    private static MatchedKey ReadMatch(JsonElement json, bool withValues)
    {
        if (withValues)
        {
            var (key, entry) = NdjsonFields.Read(JsonMarshal.GetRawUtf8Value(json)).ToEntry();
            return new MatchedKey(key, entry);
        }

        return new MatchedKey(
            json.TryGetProperty("key_base64", out var bytes) ? bytes.GetBytesFromBase64()
                : Encoding.UTF8.GetBytes(json.GetProperty("key").GetString()!),
            null);
    }
}
