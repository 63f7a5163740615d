using System.Globalization;
using System.Net;
using Dmt.Api;
using Dmt.Core;

namespace Dmt.Cli.Http;

/// <content>Shards of the store behind the server.</content>
internal sealed partial class HttpTrieStore : IShardAdministration
{
    private const string ShardsPath = "/admin/shards";

    public async ValueTask<IReadOnlyList<ShardInfo>> ListShardsAsync(CancellationToken cancellationToken = default)
    {
        using var request = Request(HttpMethod.Get, ShardsPath);
        return await AskAsync(request, ShardJson.Read, cancellationToken);
    }

    public async ValueTask<IReadOnlyList<ShardInfo>> SplitShardAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> prefixes, CancellationToken cancellationToken = default)
    {
        using var request = Request(HttpMethod.Post, ShardsPath);
        request.Content = JsonContentOf(json => ShardJson.WritePrefixes(json, prefixes));
        return await AskAsync(request, ShardJson.Read, cancellationToken);
    }

    public async ValueTask<bool> MergeShardAsync(uint shard, CancellationToken cancellationToken = default)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"{ShardsPath}/{shard}");
        using var request = Request(HttpMethod.Delete, path);
        using var response = await SendAsync(
            request, HttpCompletionOption.ResponseContentRead, cancellationToken, HttpStatusCode.NotFound);
        return response.StatusCode != HttpStatusCode.NotFound;
    }
}
