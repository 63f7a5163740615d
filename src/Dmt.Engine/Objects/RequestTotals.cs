namespace Dmt.Engine.Objects;

/// <summary>
/// Requests made of an object store up to a moment. Retries and hedges are requests, counted under their kind too.
/// </summary>
public readonly record struct RequestTotals
{
    public long Gets { get; init; }

    public long RangedGets { get; init; }

    public long Puts { get; init; }

    public long ConditionalPuts { get; init; }

    public long Deletes { get; init; }

    public long Lists { get; init; }

    public long Heads { get; init; }

    public long Multiparts { get; init; }

    /// <summary>Bytes of objects sent, those of failed attempts included.</summary>
    public long BytesUp { get; init; }

    /// <summary>Bytes of objects received.</summary>
    public long BytesDown { get; init; }

    /// <summary>Requests made because an earlier attempt at the same failed.</summary>
    public long Retries { get; init; }

    /// <summary>Requests made because an earlier attempt at the same was slow.</summary>
    public long Hedges { get; init; }

    /// <summary>
    /// Uploads in parts that could be neither completed nor given up: their parts still cost storage.
    /// </summary>
    public long UploadsAbandoned { get; init; }

    /// <summary>All requests.</summary>
    public long Requests => Gets + RangedGets + Puts + ConditionalPuts + Deletes + Lists + Heads + Multiparts;

    /// <summary>What was requested since <paramref name="earlier"/>.</summary>
    public RequestTotals Since(RequestTotals earlier) => new()
    {
        Gets = Gets - earlier.Gets,
        RangedGets = RangedGets - earlier.RangedGets,
        Puts = Puts - earlier.Puts,
        ConditionalPuts = ConditionalPuts - earlier.ConditionalPuts,
        Deletes = Deletes - earlier.Deletes,
        Lists = Lists - earlier.Lists,
        Heads = Heads - earlier.Heads,
        Multiparts = Multiparts - earlier.Multiparts,
        BytesUp = BytesUp - earlier.BytesUp,
        BytesDown = BytesDown - earlier.BytesDown,
        Retries = Retries - earlier.Retries,
        Hedges = Hedges - earlier.Hedges,
        UploadsAbandoned = UploadsAbandoned - earlier.UploadsAbandoned,
    };
}
