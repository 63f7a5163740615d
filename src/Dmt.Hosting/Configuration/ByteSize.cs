using System.Globalization;

namespace Dmt.Hosting.Configuration;

/// <summary>
/// Sizes as people write them: <c>4096</c>, <c>64KB</c> (64,000), <c>64KiB</c> (65,536), up to TB and TiB.
/// </summary>
internal static class ByteSize
{
    /// <summary>The forms that <see cref="TryParse"/> takes, for messages.</summary>
    public const string Forms = "bytes, or a number with KB, MB, GB, TB, KiB, MiB, GiB or TiB";

    private static readonly (string Suffix, long Bytes)[] Units =
    [
        ("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000), ("B", 1),
    ];

    /// <summary>
    /// Letter case does not matter; a blank may stand before the unit; a fraction may come with a unit.
    /// </summary>
    public static bool TryParse(string text, out long bytes)
    {
        var trimmed = text.Trim();
        var unit = 1L;
        foreach (var (suffix, size) in Units)
        {
            if (trimmed.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                (trimmed, unit) = (trimmed[..^suffix.Length].TrimEnd(), size);
                break;
            }
        }

        bytes = 0;
        var style = unit == 1 ? NumberStyles.None : NumberStyles.AllowDecimalPoint;
        if (!decimal.TryParse(trimmed, style, CultureInfo.InvariantCulture, out var number)
            || number > long.MaxValue / unit)
        {
            return false;
        }

        bytes = (long)(number * unit);
        return true;
    }

    /// <summary>
    /// For people, in binary units with at most one decimal: <c>256 MiB</c>, <c>1.5 KiB</c>, <c>17 B</c>.
    /// </summary>
    public static string Format(long bytes)
    {
        foreach (var (suffix, size) in Units.AsSpan(0, 4))
        {
            if (bytes >= size)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{(double)bytes / size:0.#} {suffix}");
            }
        }

        return string.Create(CultureInfo.InvariantCulture, $"{bytes} B");
    }
}
