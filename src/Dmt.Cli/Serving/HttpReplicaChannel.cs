using System.Net.Http.Headers;
using Dmt.Core;
using Dmt.Engine.Replication;

namespace Dmt.Cli.Serving;

/// <summary>Messages to one replica as HTTP requests, over connections that are kept.</summary>
internal sealed class HttpReplicaChannel : IReplicaChannel, IDisposable
{
    private static readonly MediaTypeHeaderValue ContentType = new("application/octet-stream");

    private readonly string _name;
    private readonly HttpClient _client;

    /// <param name="name"><c>host:port</c>.</param>
    public HttpReplicaChannel(string name)
    {
        _name = name;
        _client = new HttpClient(new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(2),
            UseProxy = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5), // a name may come to mean another machine
        })
        {
            BaseAddress = new Uri($"http://{name}"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public async ValueTask<byte[]> ExchangeAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        try
        {
            using var content = new ReadOnlyMemoryContent(message);
            content.Headers.ContentType = ContentType;
            using var answer = await _client.PostAsync(ReplicationServer.Path, content, cancellationToken);
            return answer.IsSuccessStatusCode
                ? await answer.Content.ReadAsByteArrayAsync(cancellationToken)
                : throw DmtException.Unavailable(
                    $"{_name} answers {(int)answer.StatusCode}: is it the replication port of a replica?");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw DmtException.Unavailable($"{_name} is out of reach: {e.Message}", e);
        }
    }

    public void Dispose() => _client.Dispose();
}
