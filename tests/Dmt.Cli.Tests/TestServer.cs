using Dmt.Cli.Configuration;
using Dmt.Cli.Http;
using Dmt.Cli.Serving;
using Dmt.Core;
using Dmt.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace Dmt.Cli.Tests;

/// <summary>The server that <c>dmt serve</c> runs, on a free port of this machine, over a model store.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestServer(WebApplication app, ModelTrieStore model)
    {
        (_app, Model) = (app, model);
        Url = new Uri(app.Urls.Single());
        Client = new HttpTrieStore(Url, TimeProvider.System);
    }

    public ModelTrieStore Model { get; }

    public Uri Url { get; }

    public HttpTrieStore Client { get; }

    public static async Task<TestServer> StartAsync(
        ServeSettings? settings = null, Func<ITrieStore, ITrieStore>? wrap = null)
    {
        var model = new ModelTrieStore(TimeProvider.System);
        var app = ServerHost.Build(
            (settings ?? new ServeSettings()) with { Port = 0, LogLevel = LogLevel.None },
            wrap?.Invoke(model) ?? model, () => false);
        await app.StartAsync();
        return new(app, model);
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await _app.DisposeAsync();
        await Model.DisposeAsync();
    }
}
