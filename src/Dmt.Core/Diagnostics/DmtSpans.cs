using System.Diagnostics;

namespace Dmt.Core.Diagnostics;

/// <summary>
/// Where DMT's traces come from: sources of <see cref="Activity"/>, each named after its library. A trace has spans for
/// what takes its time: calls of a client, blocks that are loaded, waits for the log, requests to a bucket, flushes,
/// compactions, openings. What memory answers costs less than a span, and has none of its own. Nothing is measured
/// where nobody listens.
/// </summary>
public static class DmtSpans
{
    /// <summary>Calls of a cluster's client: <c>dmt.get</c>, <c>dmt.put</c> and so on, over all attempts.</summary>
    public const string Client = "Dmt.Client";

    /// <summary>What the engine does that is slow or rare.</summary>
    public const string Engine = "Dmt.Engine";

    /// <summary>Requests to a bucket, each attempt by itself.</summary>
    public const string Objects = "Dmt.Objects";

    /// <summary>Notes on a span that it failed. Made to be an exception filter: it catches nothing.</summary>
    /// <returns>False.</returns>
    public static bool Failed(this Activity? span, Exception error)
    {
        span?.SetStatus(ActivityStatusCode.Error, error.Message);
        return false;
    }
}
