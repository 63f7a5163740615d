namespace Dmt.Engine.Objects;

/// <summary>
/// What requests and storage cost at Amazon's list prices, in US dollars: S3 Standard in us-east-1, first tier, as
/// published at aws.amazon.com/s3/pricing in 2025. Traffic within the region is free; traffic out of it is not counted.
/// </summary>
public static class S3Cost
{
    /// <summary>1,000 PUT, COPY, POST and LIST requests; each part of an upload is a PUT.</summary>
    public const decimal PutClassPer1000 = 0.005m;

    /// <summary>1,000 GET, HEAD and all other requests. DELETE costs nothing.</summary>
    public const decimal GetClassPer1000 = 0.0004m;

    /// <summary>2^30 bytes kept for a month.</summary>
    public const decimal StoragePerGibMonth = 0.023m;

    /// <summary>Hours in the month that estimates are for: a twelfth of 365 days.</summary>
    public const int HoursPerMonth = 730;

    /// <summary>Dollars for these requests.</summary>
    public static decimal OfRequests(RequestTotals totals)
    {
        var putClass = totals.Puts + totals.ConditionalPuts + totals.Lists + totals.Multiparts;
        var getClass = totals.Gets + totals.RangedGets + totals.Heads;
        return (putClass * PutClassPer1000 + getClass * GetClassPer1000) / 1000;
    }

    /// <summary>Dollars a month for requests at the rate at which they came so far.</summary>
    /// <param name="totals">What was requested.</param>
    /// <param name="uptime">In which time; more than zero.</param>
    public static decimal OfRequestsPerMonth(RequestTotals totals, TimeSpan uptime)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(uptime, TimeSpan.Zero);
        return OfRequests(totals) * TimeSpan.TicksPerHour * HoursPerMonth / uptime.Ticks;
    }

    /// <summary>Dollars a month for keeping this many bytes.</summary>
    public static decimal OfStoragePerMonth(long bytes) => bytes * StoragePerGibMonth / (1L << 30);
}
