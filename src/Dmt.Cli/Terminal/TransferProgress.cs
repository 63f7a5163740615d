namespace Dmt.Cli.Terminal;

/// <summary>
/// How far a transfer is: written by the one who works, read by the display. Safe for concurrent use.
/// </summary>
internal sealed class TransferProgress
{
    private long _done;
    private long _items;

    /// <summary>What <see cref="Done"/> will be at the end, in the same unit; null where nobody knows.</summary>
    public long? Total { get; init; }

    /// <summary>What the items are, in the plural.</summary>
    public required string ItemName { get; init; }

    /// <summary>Where the work began: what was done before does not count for the rate.</summary>
    public long StartedAt { get; private set; }

    public long Done => Interlocked.Read(ref _done);

    /// <summary>Records moved in this run.</summary>
    public long Items => Interlocked.Read(ref _items);

    /// <summary>Call before the work, when part of it was done earlier.</summary>
    public void StartAt(long done)
    {
        StartedAt = done;
        Interlocked.Exchange(ref _done, done);
    }

    public void Advance(long done, long items)
    {
        Interlocked.Exchange(ref _done, done);
        Interlocked.Add(ref _items, items);
    }

    /// <summary>The share that is done, 0 to 1; null where the total is not known.</summary>
    public double? Share => Total is > 0 and var total ? Math.Min(1, (double)Done / total) : null;

    /// <summary>One line: items, rate, share and remaining time as far as they are known.</summary>
    public string Describe(TimeSpan elapsed)
    {
        var seconds = Math.Max(elapsed.TotalSeconds, 0.001);
        var line = FormattableString.Invariant($"{Items:N0} {ItemName}, {Items / seconds:N0}/s");
        if (Total is not { } total || Done <= StartedAt)
        {
            return line;
        }

        var left = TimeSpan.FromSeconds(Math.Max(0, total - Done) * seconds / (Done - StartedAt));
        var time = left.TotalHours >= 1
            ? FormattableString.Invariant($"{(int)left.TotalHours}:{left.Minutes:00}:{left.Seconds:00}")
            : FormattableString.Invariant($"{left.Minutes}:{left.Seconds:00}");
        return line + $", {time} left";
    }
}
