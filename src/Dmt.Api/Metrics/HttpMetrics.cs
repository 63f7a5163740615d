using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dmt.Api.Metrics;

/// <summary>Counts and times of requests, by method, route and status. Safe for concurrent use.</summary>
internal sealed class HttpMetrics
{
    private readonly ConcurrentDictionary<(string Method, string Route, int Status), Counter> _requests = new();
    private readonly ConcurrentDictionary<(string Method, string Route), HistogramData> _durations = new();
    private long _inFlight;
    private long _refused;

    /// <summary>Counts a request that begins.</summary>
    /// <returns>How many are in flight, this one included.</returns>
    public long Begin() => Interlocked.Increment(ref _inFlight);

    public void Refuse() => Interlocked.Increment(ref _refused);

    /// <param name="context">The request, which has ended.</param>
    /// <param name="endpoint">What took it; null where nothing did.</param>
    /// <param name="started">The <see cref="Stopwatch"/> timestamp of its beginning.</param>
    /// <param name="status">The status of the answer; 499 where the client went away.</param>
    public void End(HttpContext context, Endpoint? endpoint, long started, int status)
    {
        Interlocked.Decrement(ref _inFlight);

        // Both are from small sets, so that no client can make the number of series grow.
        var route = (endpoint as RouteEndpoint)?.RoutePattern.RawText ?? "unmatched";
        var method = context.Request.Method is "GET" or "HEAD" or "PUT" or "POST" or "DELETE"
            ? context.Request.Method
            : "other";
        Interlocked.Increment(ref _requests.GetOrAdd((method, route, status), static _ => new Counter()).Value);
        _durations.GetOrAdd((method, route), static _ => new HistogramData(HistogramData.SecondsBounds))
            .Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    public void WriteTo(PrometheusWriter to)
    {
        to.Single(
            "dmt_http_requests_in_flight", "gauge", "HTTP requests being served now.", Interlocked.Read(ref _inFlight));
        to.Single(
            "dmt_http_requests_refused_total",
            "counter",
            "HTTP requests refused because too many were in flight.",
            Interlocked.Read(ref _refused));
        to.Family("dmt_http_requests_total", "counter", "HTTP requests served.");
        foreach (var ((method, route, status), counter) in _requests.OrderBy(pair => pair.Key))
        {
            to.Sample(
                "dmt_http_requests_total",
                [
                    new("method", method),
                    new("route", route),
                    new("status", status.ToString(CultureInfo.InvariantCulture)),
                ],
                Interlocked.Read(ref counter.Value));
        }

        to.Family(
            "dmt_http_request_duration_seconds",
            "histogram",
            "Time from the request's headers to the end of its answer.");
        foreach (var ((method, route), data) in _durations.OrderBy(pair => pair.Key))
        {
            to.Histogram("dmt_http_request_duration_seconds", [new("method", method), new("route", route)], data);
        }
    }

    private sealed class Counter
    {
        public long Value;
    }
}
