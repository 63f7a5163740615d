using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dmt.Silo.Tests;

public sealed class TelemetryTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Metrics_and_traces_go_to_the_collector_when_one_is_named()
    {
        await using var collector = await Collector.StartAsync();
        var start = TestSilo.StartInfo(
            _folder.Path, FreePorts.Take(1)[0], "--name", "seen", "--otlp-endpoint", collector.Url);
        using (var silo = await ServerProcess.StartAsync(start))
        {
            using var written = await silo.Client.PutAsync(
                "/kv/apple?fsync=strict", new StringContent("a fruit"));
            Assert.True(written.IsSuccessStatusCode);
            Assert.Equal(0, await silo.StopAsync(ServerProcess.SigTerm));
        }

        var traces = collector.Received("/opentelemetry.proto.collector.trace.v1.TraceService/Export");
        Assert.Contains("dmt-silo", traces, StringComparison.Ordinal);
        Assert.Contains("Microsoft.AspNetCore", traces, StringComparison.Ordinal);
        Assert.Contains("Microsoft.Orleans.Application", traces, StringComparison.Ordinal);
        Assert.Contains("dmt.put", traces, StringComparison.Ordinal);
        Assert.Contains("dmt.log.wait", traces, StringComparison.Ordinal);
        var metrics = collector.Received("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export");
        Assert.Contains("Dmt.Engine", metrics, StringComparison.Ordinal);
        Assert.Contains("Microsoft.Orleans", metrics, StringComparison.Ordinal);
        Assert.Contains("seen", metrics, StringComparison.Ordinal);
    }

    /// <summary>Takes whatever comes with OTLP over gRPC. The names in it are plain bytes.</summary>
    private sealed class Collector(WebApplication app) : IAsyncDisposable
    {
        private readonly ConcurrentQueue<(string Path, string Body)> _received = [];

        public string Url => app.Urls.Single();

        public static async Task<Collector> StartAsync()
        {
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrelCore().ConfigureKestrel(static kestrel =>
                kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2));
            builder.Services.AddRouting();
            builder.Logging.ClearProviders();
            var app = builder.Build();
            var collector = new Collector(app);
            app.Run(collector.TakeAsync);
            await app.StartAsync();
            return collector;
        }

        public string Received(string path) =>
            string.Concat(_received.Where(request => request.Path == path).Select(static request => request.Body));

        public ValueTask DisposeAsync() => app.DisposeAsync();

        private async Task TakeAsync(HttpContext context)
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            _received.Enqueue((context.Request.Path, Encoding.Latin1.GetString(body.ToArray())));
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.WriteAsync(new byte[5]);
            context.Response.AppendTrailer("grpc-status", "0");
        }
    }
}
