using System.Diagnostics.Metrics;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Tests.Objects;

public sealed class RequestCountsTests
{
    [Fact]
    public void Every_kind_is_counted_for_itself_and_shown_as_a_metric()
    {
        using var counts = new RequestCounts();
        foreach (var kind in Enum.GetValues<RequestKind>())
        {
            for (var i = 0; i <= (int)kind; i++)
            {
                counts.Request(kind, bytesUp: 10);
            }
        }

        counts.Received(5);
        counts.Retry();
        counts.Hedge();
        counts.Hedge();
        counts.UploadAbandoned();
        var totals = counts.Totals;
        Assert.Equal(
            new RequestTotals
            {
                Gets = 1,
                RangedGets = 2,
                Puts = 3,
                ConditionalPuts = 4,
                Deletes = 5,
                Lists = 6,
                Heads = 7,
                Multiparts = 8,
                BytesUp = 360,
                BytesDown = 5,
                Retries = 1,
                Hedges = 2,
                UploadsAbandoned = 1,
            },
            totals);
        Assert.Equal(36, totals.Requests);

        var metrics = Read(counts);
        Assert.Equal(
            ["conditional_put=4", "delete=5", "get=1", "head=7", "list=6", "multipart=8", "put=3", "ranged_get=2"],
            metrics.Where(m => m.Key.StartsWith("dmt_objects_requests ", StringComparison.Ordinal))
                .Select(m => $"{m.Key.Split(' ')[1]}={m.Value}").Order(StringComparer.Ordinal));
        Assert.Equal((360, 5, 1, 2, 1), (metrics["dmt_objects_sent_bytes "], metrics["dmt_objects_received_bytes "],
            metrics["dmt_objects_retries "], metrics["dmt_objects_hedges "],
            metrics["dmt_objects_uploads_abandoned "]));
    }

    [Fact]
    public void What_came_since_is_the_difference()
    {
        using var counts = new RequestCounts();
        counts.Request(RequestKind.Put, 100);
        var earlier = counts.Totals;
        counts.Request(RequestKind.Put, 7);
        counts.Request(RequestKind.List);
        counts.Retry();
        Assert.Equal(
            new RequestTotals { Puts = 1, Lists = 1, BytesUp = 7, Retries = 1 }, counts.Totals.Since(earlier));
    }

    [Fact]
    public void Costs_are_those_of_the_price_list()
    {
        var totals = new RequestTotals
        {
            Puts = 1000,
            ConditionalPuts = 2000,
            Lists = 500,
            Multiparts = 500,
            Gets = 10_000,
            RangedGets = 20_000,
            Heads = 5000,
            Deletes = 1_000_000,
        };
        Assert.Equal(4 * 0.005m + 35 * 0.0004m, S3Cost.OfRequests(totals));
        Assert.Equal(0.034m * 730 / 2, S3Cost.OfRequestsPerMonth(totals, TimeSpan.FromHours(2)));
        Assert.Equal(0.023m * 100, S3Cost.OfStoragePerMonth(100L << 30));
        Assert.Throws<ArgumentOutOfRangeException>(() => S3Cost.OfRequestsPerMonth(totals, TimeSpan.Zero));
    }

    [Fact]
    public void Ten_requests_a_minute_of_the_dear_kind_cost_two_dollars_a_month()
    {
        var monthly = S3Cost.OfRequestsPerMonth(new RequestTotals { Lists = 10 }, TimeSpan.FromMinutes(1));
        Assert.Equal(2.19m, monthly);
    }

    /// <summary>
    /// The instruments of one instance: the others of this process have other counts, but the same meter's name.
    /// </summary>
    private static Dictionary<string, long> Read(RequestCounts counts)
    {
        Dictionary<string, long> found = [];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == RequestCounts.MeterName && instrument.Meter.Scope == counts)
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            found.Add($"{instrument.Name} {(tags.Length > 0 ? tags[0].Value : "")}", value));
        listener.Start();
        listener.RecordObservableInstruments();
        return found;
    }
}
