using System.Globalization;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Inspection;

/// <summary>Where the inspectors say what they find.</summary>
internal sealed class InspectionReport(
    Action<InspectLine> to, InspectDetail detail, CancellationToken cancellationToken)
{
    public InspectDetail Detail => detail;

    /// <summary>Only damage is told.</summary>
    public bool Muted { get; set; }

    /// <summary>Damaged places so far.</summary>
    public long Damages { get; private set; }

    /// <summary>What could not be checked: a newer DMT wrote it, or it cannot be read.</summary>
    public List<string> Unchecked { get; } = [];

    public void CheckCancelled() => cancellationToken.ThrowIfCancellationRequested();

    public void Line(int depth, string text)
    {
        if (!Muted)
        {
            to(new InspectLine(new string(' ', 2 * depth) + text, IsDamage: false));
        }
    }

    public void Damage(string file, long offset, string what) => Add(DmtException.Corruption(file, offset, what));

    /// <summary>Reports what an inspected file made its reader throw.</summary>
    public void Add(DmtException error)
    {
        if (error.Kind == DmtErrorKind.Corruption)
        {
            Damages++;
            to(new InspectLine(error.Message, IsDamage: true));
        }
        else
        {
            Unchecked.Add(error.Message);
            to(new InspectLine("not checked: " + error.Message, IsDamage: false));
        }
    }

    /// <summary>Does a part of an inspection that damage may end early; the rest goes on.</summary>
    public void Attempt(Action part)
    {
        try
        {
            part();
        }
        catch (DmtException e)
        {
            Add(e);
        }
    }

    public static string Count(long n) => n.ToString("N0", CultureInfo.InvariantCulture);

    public static string Count(ulong n) => n.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>"1 table", "2 tables".</summary>
    public static string Count(long n, string noun) => Count(n) + " " + noun + (n == 1 ? "" : "s");

    /// <summary>The key in quotes; in hexadecimal, without quotes, where it is no text.</summary>
    public static string Show(ReadOnlySpan<byte> key)
    {
        // Two digits a byte and "0x" are always longer than text.
        var text = Key.ToDisplay(key);
        return key.Length > 0 && text.Length >= 2 + (2 * Math.Min(key.Length, 80)) ? text : "\"" + text + "\"";
    }

    /// <summary>Milliseconds since 1970-01-01 UTC as a date and time.</summary>
    public static string Time(long ms) =>
        ms >= 0 && ms <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString(
                "yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture)
            : Count(ms) + " ms";
}
