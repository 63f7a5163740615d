using System.Globalization;
using System.Net;
using System.Text.Json;
using Dmt.Api;
using Dmt.Core;

namespace Dmt.Cli.Http;

/// <content>Checkpoints and garbage of the store behind the server.</content>
internal sealed partial class HttpTrieStore : IStoreMaintenance
{
    private const string Checkpoints = "/admin/checkpoints";

    public async ValueTask<CheckpointInfo> CheckpointAsync(string name, CancellationToken cancellationToken = default)
    {
        using var request = Request(HttpMethod.Post, Checkpoints);
        request.Content = JsonContentOf(json => json.WriteString("name", name));
        return await AskAsync(request, MaintenanceJson.ReadCheckpoint, cancellationToken);
    }

    public async ValueTask<IReadOnlyList<CheckpointInfo>> ListCheckpointsAsync(
        CancellationToken cancellationToken = default)
    {
        using var request = Request(HttpMethod.Get, Checkpoints);
        return await AskAsync(request, MaintenanceJson.ReadCheckpoints, cancellationToken);
    }

    public async ValueTask<bool> DeleteCheckpointAsync(string name, CancellationToken cancellationToken = default)
    {
        using var request = Request(HttpMethod.Delete, $"{Checkpoints}/{Uri.EscapeDataString(name)}");
        using var response = await SendAsync(
            request, HttpCompletionOption.ResponseContentRead, cancellationToken, HttpStatusCode.NotFound);
        return response.StatusCode != HttpStatusCode.NotFound;
    }

    public async ValueTask<GarbageReport> CollectGarbageAsync(
        bool dryRun = false, TimeSpan? ageMin = null, CancellationToken cancellationToken = default)
    {
        var age = ageMin is { } given
            ? string.Create(CultureInfo.InvariantCulture, $"{given.TotalMilliseconds}ms")
            : null;
        var query = new QueryText()
            .Add("dry_run", dryRun ? "true" : null).Add("min_age", ageMin == TimeSpan.Zero ? "0" : age);
        using var request = Request(HttpMethod.Post, "/admin/gc" + query);
        return await AskAsync(request, MaintenanceJson.ReadGarbage, cancellationToken);
    }

    private async Task<T> AskAsync<T>(
        HttpRequestMessage request, Func<JsonElement, T> read, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        try
        {
            using var answer = JsonDocument.Parse(await ReadBodyAsync(response, cancellationToken));
            return read(answer.RootElement);
        }
        catch (JsonException e)
        {
            throw DmtException.Unavailable(
                $"{_url.AbsoluteUri.TrimEnd('/')} answers {request.RequestUri!.AbsolutePath} in another form: is "
                    + $"that a "
                    + "dmt server of this version?", e);
        }
    }

    private static ByteArrayContent JsonContentOf(Action<Utf8JsonWriter> members)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body, LineOptions))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return new ByteArrayContent(body.ToArray())
        {
            Headers = { ContentType = new("application/json") },
        };
    }
}
