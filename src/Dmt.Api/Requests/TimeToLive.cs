using System.Globalization;
using Dmt.Core;

namespace Dmt.Api.Requests;

/// <summary>Times to live as they come in requests: 1 ms to 100 years.</summary>
internal static class TimeToLive
{
    private const double SecondsMax = 100 * 365.25 * 86_400;
    private const double SecondsMin = 0.001;

    /// <param name="text">Seconds (<c>30</c>, <c>0.5</c>), or a number with ms, s, m, h or d.</param>
    /// <param name="what">What it is, for the message.</param>
    /// <exception cref="DmtException">InvalidArgument.</exception>
    public static TimeSpan Parse(string text, string what = "ttl")
    {
        var digits = text.AsSpan().TrimEnd("mshd");
        double? unit = text.AsSpan(digits.Length) switch
        {
            "" or "s" => 1,
            "ms" => 0.001,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => null,
        };
        if (unit is null
            || !double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            var shown = text.Length > 80 ? text[..80] + "…" : text;
            throw DmtException.InvalidArgument(
                $"{what} is \"{shown}\": expected seconds or a time such as 500ms, 30s, 5m, 2h, 7d");
        }

        return FromSeconds(number * unit.Value, what);
    }

    /// <exception cref="DmtException">InvalidArgument.</exception>
    public static TimeSpan FromSeconds(double seconds, string what = "ttl") =>
        seconds is >= SecondsMin and <= SecondsMax
            ? TimeSpan.FromSeconds(seconds)
            : throw DmtException.InvalidArgument(
                string.Create(CultureInfo.InvariantCulture, $"{what} is {seconds} seconds: expected 1ms to 100 years"));
}
