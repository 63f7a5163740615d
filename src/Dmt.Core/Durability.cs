using System.Globalization;

namespace Dmt.Core;

/// <summary>
/// When a write is acknowledged. Text forms: <c>default</c>, <c>strict</c>, <c>every 1000 operations</c>,
/// <c>every 50ms</c>.
/// </summary>
public readonly record struct Durability
{
    private Durability(int operations, TimeSpan interval, bool strict) =>
        (Operations, Interval, IsStrict) = (operations, interval, strict);

    /// <summary>Acknowledged when in the memtable and in the log's buffer; the medium follows within 1 s.</summary>
    public static Durability Default => default;

    /// <summary>Acknowledged when the log record is durable on the medium.</summary>
    public static Durability Strict { get; } = new(0, TimeSpan.Zero, true);

    /// <summary>
    /// As default, and the log is synced at least every <see cref="Operations"/> operations; 0 when not set.
    /// </summary>
    public int Operations { get; }

    /// <summary>As default, and the log is synced at least every <see cref="Interval"/>; zero when not set.</summary>
    public TimeSpan Interval { get; }

    public bool IsStrict { get; }

    /// <param name="operations">1 to 1,000,000,000.</param>
    public static Durability EveryOperations(int operations) =>
        operations is >= 1 and <= 1_000_000_000
            ? new(operations, TimeSpan.Zero, false)
            : throw DmtException.InvalidArgument($"every {operations} operations: expected 1 to 1000000000");

    /// <param name="interval">1 ms to 1 hour.</param>
    public static Durability EveryInterval(TimeSpan interval) =>
        interval >= TimeSpan.FromMilliseconds(1) && interval <= TimeSpan.FromHours(1)
            ? new(0, interval, false)
            : throw DmtException.InvalidArgument($"every {interval}: expected 1ms to 1h");

    /// <exception cref="DmtException">InvalidArgument, with the forms that are allowed.</exception>
    public static Durability Parse(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        switch (words)
        {
            case ["default"]:
                return Default;
            case ["strict"]:
                return Strict;
            case ["every", var n, "operations" or "operation"]
                when int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out var operations):
                return EveryOperations(operations);
            case ["every", var time] when TryParseTime(time, out var interval):
                return EveryInterval(interval);
            default:
                throw DmtException.InvalidArgument(
                    $"\"{text}\" is no durability level: "
                    + "expected default, strict, every N operations, every Nms, every Ns or every Nm (minutes)");
        }
    }

    public override string ToString() =>
        IsStrict ? "strict"
        : Operations > 0 ? string.Create(CultureInfo.InvariantCulture, $"every {Operations} operations")
        : Interval > TimeSpan.Zero
            ? string.Create(CultureInfo.InvariantCulture, $"every {Interval.TotalMilliseconds}ms")
        : "default";

    private static bool TryParseTime(string text, out TimeSpan time)
    {
        time = default;
        var digits = text.TrimEnd('m', 's');
        double? unit = text[digits.Length..] switch { "ms" => 1, "s" => 1000, "m" => 60_000, _ => null };
        if (unit is null
            || !double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var n)
            || n * unit.Value > 1e9)
        {
            return false;
        }

        // Rounded, not cut off, so that what ToString writes is read back to the tick.
        time = new TimeSpan((long)Math.Round(n * unit.Value * TimeSpan.TicksPerMillisecond));
        return true;
    }
}
