using Microsoft.AspNetCore.Http;

namespace Dmt.Api.Metrics;

/// <summary>GET /metrics.</summary>
internal sealed class MetricsPage(HttpMetrics http, MeterCollector meters)
{
    public Task WriteAsync(HttpContext context)
    {
        var to = new PrometheusWriter();
        http.WriteTo(to);
        meters.WriteTo(to);
        ProcessMetrics.WriteTo(to);
        context.Response.ContentType = PrometheusWriter.ContentType;
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(to.ToString(), context.RequestAborted);
    }
}
