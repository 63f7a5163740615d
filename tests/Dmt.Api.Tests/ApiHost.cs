using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Dmt.Core;
using Dmt.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dmt.Api.Tests;

/// <summary>A real server on a port of its own, over a model store and a clock that moves only when told.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ApiHost(WebApplication app, ManualClock clock, ModelTrieStore model)
    {
        _app = app;
        Clock = clock;
        Model = model;
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .Single();
        Address = new Uri(address);
        Client = new HttpClient { BaseAddress = Address };
    }

    public ManualClock Clock { get; }

    public ModelTrieStore Model { get; }

    public Uri Address { get; }

    public HttpClient Client { get; }

    public static async Task<ApiHost> StartAsync(ApiOptions? options = null, Func<ITrieStore, ITrieStore>? wrap = null)
    {
        var clock = new ManualClock();
        var model = new ModelTrieStore(clock);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton<TimeProvider>(clock);
        builder.Services.AddSingleton(wrap?.Invoke(model) ?? model);
        builder.Services.AddDmtApi(options ?? new ApiOptions());
        var app = builder.Build();
        app.MapDmtApi();
        await app.StartAsync();
        return new ApiHost(app, clock, model);
    }

    public Task<HttpResponseMessage> SendAsync(
        string method, string path, string? body = null, string type = "application/json",
        params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), RawUri(path));
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = type.Length == 0 ? null : MediaTypeHeaderValue.Parse(type);
        }

        foreach (var (name, value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        return Client.SendAsync(request);
    }

    public Task<HttpResponseMessage> GetAsync(string path) => SendAsync("GET", path);

    public async Task<JsonElement> JsonAsync(string path)
    {
        using var response = await GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
    }

    /// <summary>
    /// Sends bytes as they are and reads until the server closes or resets, for what no client library would send.
    /// </summary>
    public async Task<string> SendRawAsync(string request, bool halfClose = true)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, Address.Port);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        if (halfClose)
        {
            socket.Client.Shutdown(SocketShutdown.Send);
        }

        var answer = new MemoryStream();
        try
        {
            await stream.CopyToAsync(answer);
        }
        catch (IOException e) when (
            e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            // One way for a server to close: what it said before counts.
        }

        return Encoding.UTF8.GetString(answer.ToArray());
    }

    public async Task<string> GetRawAsync(string target) =>
        await SendRawAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $"GET {target} HTTP/1.1\r\nHost: {Address.Authority}\r\nConnection: close\r\n\r\n"), false);

    /// <summary>
    /// The metrics once no other request is in flight: a request is counted when it has ended, which its client may see
    /// a moment earlier.
    /// </summary>
    public async Task<string> MetricsAtRestAsync()
    {
        for (var attempt = 0; attempt < 10_000; attempt++)
        {
            var metrics = await GetAsync("/metrics").TextAsync();
            if (metrics.Contains("dmt_http_requests_in_flight 1\n", StringComparison.Ordinal))
            {
                return metrics;
            }
        }

        throw new InvalidOperationException("a request does not end");
    }

    /// <summary>What SIGTERM does first. The server itself goes on until it is disposed.</summary>
    public void AnnounceStop() => _app.Lifetime.StopApplication();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }

    /// <summary>The path exactly as it is written: Uri would decode and shorten it.</summary>
    private Uri RawUri(string path) => new(Address.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions
    {
        DangerousDisablePathAndQueryCanonicalization = true,
    });
}
