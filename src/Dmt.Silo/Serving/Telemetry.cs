using Dmt.Hosting.Serving;
using Dmt.Silo.Configuration;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Dmt.Silo.Serving;

/// <summary>
/// Metrics and traces with OTLP. A trace goes from the HTTP request through the grain call, on the caller's and the
/// shard's side, to the requests to the bucket. Where this is not made nothing listens, and nothing is measured.
/// </summary>
internal sealed class Telemetry : IDisposable
{
    private const string ServiceName = "dmt-silo";

    private readonly MeterProvider _metrics;
    private readonly TracerProvider _traces;

    public Telemetry(Uri endpoint, SiloSettings settings)
    {
        var resource = ResourceBuilder.CreateDefault()
            .AddService(ServiceName, settings.ClusterId, HttpServer.Version, serviceInstanceId: settings.Name);
        _metrics = OpenTelemetry.Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddMeter("Dmt.*", "Microsoft.Orleans", "Microsoft.AspNetCore.*", "System.Runtime")
            .AddOtlpExporter(exporter => exporter.Endpoint = endpoint)
            .Build();
        _traces = OpenTelemetry.Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .AddSource("Dmt.*", "Microsoft.AspNetCore", "Microsoft.Orleans.*", "System.Net.Http")
            .AddOtlpExporter(exporter => exporter.Endpoint = endpoint)
            .Build();
    }

    /// <summary>Sends what is left, for a bounded time.</summary>
    public void Dispose()
    {
        _traces.Dispose();
        _metrics.Dispose();
    }
}
