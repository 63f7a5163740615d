using System.Globalization;
using Dmt.Core;

namespace Dmt.Hosting.Configuration;

/// <summary>The forms that settings come in; a catalog says <c>using static</c> to have them for its record.</summary>
internal static class SettingForms<T>
    where T : class
{
    /// <summary>A whole number.</summary>
    public static Setting<T> Number(
        string name, string help, long least, long most, Func<T, long, T> apply, Func<T, long> value) =>
        new(
            name,
            help,
            string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}"),
            (s, text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n)
                && n >= least && n <= most
                ? apply(s, n)
                : null,
            s => value(s).ToString(CultureInfo.InvariantCulture));

    /// <summary>A whole number, or a word for none.</summary>
    public static Setting<T> NumberOr(
        string name,
        string help,
        string none,
        long least,
        long most,
        Func<T, long?, T> apply,
        Func<T, long?> value) =>
        new(
            name,
            help,
            string.Create(CultureInfo.InvariantCulture, $"{none}, or a whole number from {least} to {most}"),
            (s, text) => text.Equals(none, StringComparison.OrdinalIgnoreCase) ? apply(s, null)
                : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n)
                    && n >= least && n <= most ? apply(s, n) : null,
            s => value(s)?.ToString(CultureInfo.InvariantCulture) ?? none);

    /// <summary>A number of bytes.</summary>
    public static Setting<T> Size(
        string name, string help, long least, long most, Func<T, long, T> apply, Func<T, long> value) =>
        new(
            name,
            help,
            $"{ByteSize.Format(least)} to {ByteSize.Format(most)} ({ByteSize.Forms})",
            (s, text) => ByteSize.TryParse(text, out var n) && n >= least && n <= most ? apply(s, n) : null,
            s => value(s).ToString(CultureInfo.InvariantCulture));

    /// <summary>A number of bytes, or a word for none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="help">What it does.</param>
    /// <param name="none">The word.</param>
    /// <param name="least">The smallest size.</param>
    /// <param name="most">The largest.</param>
    /// <param name="apply">Takes it over; null for the word.</param>
    /// <param name="value">The size; null for the word.</param>
    public static Setting<T> SizeOr(
        string name,
        string help,
        string none,
        long least,
        long most,
        Func<T, long?, T> apply,
        Func<T, long?> value) =>
        new(
            name,
            help,
            $"{none}, or {ByteSize.Format(least)} to {ByteSize.Format(most)} ({ByteSize.Forms})",
            (s, text) => text.Equals(none, StringComparison.OrdinalIgnoreCase) ? apply(s, null)
                : ByteSize.TryParse(text, out var n) && n >= least && n <= most ? apply(s, n) : null,
            s => value(s)?.ToString(CultureInfo.InvariantCulture) ?? none);

    /// <summary>One of some words.</summary>
    public static Setting<T> Choice<TValue>(
        string name,
        string help,
        (string Text, TValue Value)[] choices,
        Func<T, TValue, T> apply,
        Func<T, TValue> value) =>
        new(
            name,
            help,
            string.Join(", ", choices[..^1].Select(c => c.Text)) + " or " + choices[^1].Text,
            (s, text) =>
                Array.FindIndex(choices, c => c.Text.Equals(text, StringComparison.OrdinalIgnoreCase)) is >= 0 and var i
                ? apply(s, choices[i].Value)
                : null,
            s => Array.Find(choices, c => EqualityComparer<TValue>.Default.Equals(c.Value, value(s))).Text);

    /// <summary>A span of time.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="help">What it does.</param>
    /// <param name="least">The shortest, as it is written.</param>
    /// <param name="most">The longest, as it is written.</param>
    /// <param name="apply">Takes it over.</param>
    /// <param name="value">The time.</param>
    public static Setting<T> Time(
        string name, string help, string least, string most, Func<T, TimeSpan, T> apply, Func<T, TimeSpan> value)
    {
        var (min, max) = (TimeText.Parse(least, name), TimeText.Parse(most, name));
        return new(
            name,
            help,
            $"{least} to {most} (a number with ms, s, m, h or d)",
            (s, text) => Parsed(() => TimeText.Parse(text, name), out var time) && time >= min && time <= max
                ? apply(s, time)
                : null,
            s => $"{value(s).TotalMilliseconds.ToString(CultureInfo.InvariantCulture)}ms");
    }

    /// <summary>A URL, or nothing.</summary>
    public static Setting<T> Url(
        string name, string help, string allowed, Func<T, Uri?, T> apply, Func<T, Uri?> value) =>
        new(
            name,
            help,
            allowed,
            (s, text) => text.Length == 0 ? apply(s, null) : HttpUrl.TryParse(text, out var url) ? apply(s, url) : null,
            s => value(s)?.OriginalString ?? "");

    /// <summary>Whether what parses a text takes it.</summary>
    public static bool Parsed<TValue>(Func<TValue> parse, out TValue value)
    {
        try
        {
            value = parse();
            return true;
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.InvalidArgument)
        {
            value = default!;
            return false;
        }
    }
}
