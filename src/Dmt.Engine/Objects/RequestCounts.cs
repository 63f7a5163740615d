using System.Diagnostics.Metrics;

namespace Dmt.Engine.Objects;

/// <summary>
/// Counts the requests that an object store makes, for whoever pays for them, and shows them under the meter
/// <see cref="MeterName"/>. The store counts itself: only it knows its retries and hedges. Safe for concurrent use.
/// </summary>
public sealed class RequestCounts : IDisposable
{
    public const string MeterName = "Dmt.Objects";

    private static readonly RequestKind[] Kinds = Enum.GetValues<RequestKind>();

    private readonly Meter _meter;
    private readonly long[] _requests = new long[Kinds.Length];
    private long _bytesUp;
    private long _bytesDown;
    private long _retries;
    private long _hedges;
    private long _uploadsAbandoned;

    public RequestCounts()
    {
        _meter = new Meter(MeterName, version: null, tags: null, scope: this);
        _meter.CreateObservableCounter(
            "dmt_objects_requests", Observe, null, "Requests made of the object store, by kind");
        Counter("dmt_objects_sent_bytes", "By", "Bytes of objects sent", () => Volatile.Read(ref _bytesUp));
        Counter("dmt_objects_received_bytes", "By", "Bytes of objects received", () => Volatile.Read(ref _bytesDown));
        Counter("dmt_objects_retries", null, "Requests that repeat a failed one", () => Volatile.Read(ref _retries));
        Counter("dmt_objects_hedges", null, "Requests that repeat a slow one", () => Volatile.Read(ref _hedges));
        Counter("dmt_objects_uploads_abandoned", null, "Uploads in parts neither completed nor given up",
            () => Volatile.Read(ref _uploadsAbandoned));

        void Counter(string name, string? unit, string description, Func<long> read) =>
            _meter.CreateObservableCounter(name, read, unit, description);
    }

    /// <summary>What was requested so far. Figures are read one after the other, not at one instant.</summary>
    public RequestTotals Totals => new()
    {
        Gets = Of(RequestKind.Get),
        RangedGets = Of(RequestKind.RangedGet),
        Puts = Of(RequestKind.Put),
        ConditionalPuts = Of(RequestKind.ConditionalPut),
        Deletes = Of(RequestKind.Delete),
        Lists = Of(RequestKind.List),
        Heads = Of(RequestKind.Head),
        Multiparts = Of(RequestKind.Multipart),
        BytesUp = Volatile.Read(ref _bytesUp),
        BytesDown = Volatile.Read(ref _bytesDown),
        Retries = Volatile.Read(ref _retries),
        Hedges = Volatile.Read(ref _hedges),
        UploadsAbandoned = Volatile.Read(ref _uploadsAbandoned),
    };

    /// <summary>A request goes out.</summary>
    /// <param name="kind">What it asks.</param>
    /// <param name="bytesUp">Bytes of objects that it carries.</param>
    public void Request(RequestKind kind, long bytesUp = 0)
    {
        Interlocked.Increment(ref _requests[(int)kind]);
        Interlocked.Add(ref _bytesUp, bytesUp);
    }

    public void Received(long bytes) => Interlocked.Add(ref _bytesDown, bytes);

    public void Retry() => Interlocked.Increment(ref _retries);

    public void Hedge() => Interlocked.Increment(ref _hedges);

    public void UploadAbandoned() => Interlocked.Increment(ref _uploadsAbandoned);

    public void Dispose() => _meter.Dispose();

    private long Of(RequestKind kind) => Volatile.Read(ref _requests[(int)kind]);

    private IEnumerable<Measurement<long>> Observe()
    {
        foreach (var kind in Kinds)
        {
            yield return new Measurement<long>(Of(kind), new KeyValuePair<string, object?>("kind", Label(kind)));
        }
    }

    private static string Label(RequestKind kind) => kind switch
    {
        RequestKind.Get => "get",
        RequestKind.RangedGet => "ranged_get",
        RequestKind.Put => "put",
        RequestKind.ConditionalPut => "conditional_put",
        RequestKind.Delete => "delete",
        RequestKind.List => "list",
        RequestKind.Head => "head",
        RequestKind.Multipart => "multipart",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
