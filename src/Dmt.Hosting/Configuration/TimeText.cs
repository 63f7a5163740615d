using System.Globalization;
using Dmt.Core;

namespace Dmt.Hosting.Configuration;

/// <summary>
/// Spans of time as people write them: <c>500ms</c>, <c>60</c> or <c>60s</c>, <c>10m</c>, <c>24h</c>, <c>7d</c>.
/// </summary>
internal static class TimeText
{
    private const double SecondsMin = 0.001;
    private const double SecondsMax = 100 * 365.25 * 86_400;

    /// <param name="text">The time, 1 ms to 100 years.</param>
    /// <param name="what">What it is, for the message.</param>
    /// <exception cref="DmtException">InvalidArgument with what was given and the forms that are allowed.</exception>
    public static TimeSpan Parse(string text, string what)
    {
        var digits = text.TrimEnd('m', 's', 'h', 'd');
        double? unit = text[digits.Length..] switch
        {
            "ms" => 0.001,
            "" or "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => null,
        };
        return unit is { } seconds
            && double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            && number * seconds is >= SecondsMin and <= SecondsMax
                ? TimeSpan.FromMilliseconds(Math.Round(number * seconds * 1000))
                : throw DmtException.InvalidArgument(
                    $"{what} is \"{text}\": expected 1ms to 100 years, as 500ms, 60s, 10m, 24h or 7d");
    }
}
