using System.Text.Json;
using Dmt.Core;

namespace Dmt.Cli.Http;

/// <content>What only servers with a role can do.</content>
internal sealed partial class HttpTrieStore
{
    /// <summary>See <see cref="IRoleStore.PromoteAsync"/>.</summary>
    public async Task<IReadOnlyList<ReplicaStatistics>> PromoteAsync(bool force, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Post, force ? "/api/v1/promote?force=true" : "/api/v1/promote");
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        using var answer = JsonDocument.Parse(await ReadBodyAsync(response, cancellationToken));
        return answer.RootElement.GetProperty("replicas")
            .Deserialize<ReplicaStatistics[]>(StatisticsJson.Options) ?? [];
    }
}
