using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Dmt.Core;
using Dmt.Core.Diagnostics;
using Dmt.Grains.Shards;
using Microsoft.Extensions.DependencyInjection;

namespace Dmt.Grains.Tests.Shards;

/// <summary>A call can be followed from the client through the grain to what the engine waits for.</summary>
public sealed class TraceTests : IDisposable
{
    private readonly ConcurrentQueue<Activity> _ended = [];
    private readonly ActivityListener _listener;

    public TraceTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name.StartsWith("Dmt.", StringComparison.Ordinal)
                || source.Name.StartsWith("Microsoft.Orleans.", StringComparison.Ordinal),
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) =>
                ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task A_trace_goes_from_the_client_through_the_grain_to_the_log_and_the_tables()
    {
        await using var cluster = await ShardCluster.StartAsync(1);
        var client = cluster.NewClient();
        var key = Encoding.UTF8.GetBytes("apple");
        await client.GetAsync(key); // Opens the shard: that is another trace.

        var writing = await TraceAsync(async () =>
            await client.PutAsync(key, "a fruit"u8.ToArray(), new WriteOptions { Durability = Durability.Strict }));
        AssertUnder("dmt.put", "dmt.log.wait", writing);

        var shards = cluster.ServicesOf(cluster.Cluster.Silos[0]).GetRequiredService<LocalShards>();
        await shards.All.Single().Shard.FlushAsync();
        var reading = await TraceAsync(async () => Assert.NotNull(await client.GetAsync(key)));
        AssertUnder("dmt.get", "dmt.blocks.load", reading);
        Assert.DoesNotContain(reading, static span => span.OperationName is "dmt.flush" or "dmt.put");
        Assert.Contains(_ended, static span => span.OperationName == "dmt.flush");
        Assert.Contains(_ended, static span => span.OperationName == "dmt.shard.open"
            && span.GetTagItem("dmt.epoch") is 1UL);
    }

    [Fact]
    public async Task A_call_that_fails_says_so_and_why()
    {
        await using var cluster = await ShardCluster.StartAsync(1);
        var client = cluster.NewClient();
        var spans = await TraceAsync(() => Assert.ThrowsAsync<DmtException>(async () => await client.PutAsync(
            "apple"u8.ToArray(), default, new WriteOptions { Condition = WriteCondition.Present })));
        var put = Assert.Single(spans, static span => span.OperationName == "dmt.put");
        Assert.Equal(ActivityStatusCode.Error, put.Status);
        Assert.Contains("apple", put.StatusDescription!, StringComparison.Ordinal);
    }

    /// <returns>The spans of what was done that have ended.</returns>
    private async Task<List<Activity>> TraceAsync(Func<Task> act)
    {
        using var root = new Activity("test").SetIdFormat(ActivityIdFormat.W3C).Start();
        root.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        await act();
        return [.. _ended.Where(span => span.TraceId == root.TraceId)];
    }

    /// <summary>One span is the other's ancestor, and Orleans' are between them.</summary>
    private static void AssertUnder(string above, string below, List<Activity> spans)
    {
        var all = spans.ToDictionary(static span => span.SpanId);
        var path = new List<Activity>();
        for (var span = Assert.Single(spans, span => span.OperationName == below); span is not null;
            span = all.GetValueOrDefault(span.ParentSpanId))
        {
            path.Add(span);
        }

        Assert.Equal(DmtSpans.Engine, path[0].Source.Name);
        Assert.Equal((above, DmtSpans.Client), (path[^1].OperationName, path[^1].Source.Name));
        Assert.Contains(
            path, static span => span.Source.Name.StartsWith("Microsoft.Orleans", StringComparison.Ordinal));
    }
}
