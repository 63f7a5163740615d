using Dmt.Core.Keys;

namespace Dmt.Core;

/// <summary>One page of an ordered scan.</summary>
public sealed record ScanRequest
{
    /// <summary>The keys to walk; all by default. <see cref="KeyRange.Prefix"/> makes it a prefix search.</summary>
    public KeyRange Range { get; init; }

    /// <summary>Most entries in the page, 1 to <see cref="LimitMax"/>; 1,000 by default.</summary>
    public int Limit { get; init; } = 1000;

    /// <summary>From the last key down to the first.</summary>
    public bool Reverse { get; init; }

    /// <summary>Leave the values out.</summary>
    public bool KeysOnly { get; init; }

    /// <summary>
    /// The cursor of the page before, for the page after it; null for the first. Range and direction must be the same.
    /// </summary>
    public string? Cursor { get; init; }

    /// <summary>
    /// The page ends early once keys and values exceed this many bytes (at least one entry comes); 16 MiB by default.
    /// </summary>
    public int BytesMax { get; init; } = 16 << 20;

    /// <summary>Most entries that a page can have.</summary>
    public const int LimitMax = 100_000;

    /// <summary>What of the range is behind the cursor, less the keys that are reserved.</summary>
    /// <exception cref="DmtException">InvalidArgument where the cursor is none, or not one of this scan.</exception>
    public KeyRange RangeLeft =>
        ReservedKeys.Clip(Cursor is { } cursor ? PageCursor.Rest(cursor, Range, Reverse) : Range);

    /// <summary>Checks limit and range.</summary>
    /// <exception cref="DmtException">InvalidArgument or TooLarge, with what is allowed.</exception>
    public void Validate()
    {
        if (Limit is < 1 or > LimitMax)
        {
            throw DmtException.InvalidArgument($"a limit of {Limit}: expected 1 to {LimitMax}");
        }

        Key.ValidatePrefix(Range.Start.Span);
        Key.ValidatePrefix(Range.End.GetValueOrDefault().Span);
    }
}
