using System.Globalization;
using System.Text;

namespace Dmt.Api.Metrics;

/// <summary>Writes the Prometheus text exposition format, version 0.0.4.</summary>
internal sealed class PrometheusWriter
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new(16 << 10);

    /// <summary>Begins a family; its samples must follow at once.</summary>
    /// <param name="name">A valid name; see <see cref="ToName"/>.</param>
    /// <param name="type">counter, gauge or histogram.</param>
    /// <param name="help">One sentence.</param>
    public void Family(string name, string type, string help)
    {
        _text.Append("# HELP ").Append(name).Append(' ');
        AppendEscaped(help, quotes: false);
        _text.Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
    }

    public void Sample(string name, ReadOnlySpan<KeyValuePair<string, string>> labels, double value, string? le = null)
    {
        _text.Append(name);
        if (labels.Length > 0 || le is not null)
        {
            var separator = '{';
            foreach (var (label, content) in labels)
            {
                _text.Append(separator).Append(label).Append("=\"");
                AppendEscaped(content, quotes: true);
                _text.Append('"');
                separator = ',';
            }

            if (le is not null)
            {
                _text.Append(separator).Append("le=\"").Append(le).Append('"');
            }

            _text.Append('}');
        }

        _text.Append(' ').Append(Number(value)).Append('\n');
    }

    public void Single(string name, string type, string help, double value)
    {
        Family(name, type, help);
        Sample(name, [], value);
    }

    /// <summary>The samples of one histogram: cumulative buckets, sum and count.</summary>
    public void Histogram(string name, ReadOnlySpan<KeyValuePair<string, string>> labels, HistogramData data)
    {
        var snapshot = data.Read(out var sum);
        long cumulative = 0;
        for (var i = 0; i < snapshot.Length; i++)
        {
            cumulative += snapshot[i];
            Sample(name + "_bucket", labels, cumulative, i < data.Bounds.Count ? Number(data.Bounds[i]) : "+Inf");
        }

        Sample(name + "_sum", labels, sum);
        Sample(name + "_count", labels, cumulative);
    }

    public override string ToString() => _text.ToString();

    /// <summary>
    /// A name of the format: letters, digits, underscores and (in metric names) colons; never a digit first.
    /// </summary>
    public static string ToName(string name) => string.Create(name.Length, name, static (to, from) =>
    {
        for (var i = 0; i < to.Length; i++)
        {
            var c = from[i];
            to[i] = char.IsAsciiLetter(c) || (char.IsAsciiDigit(c) && i > 0) ? char.ToLowerInvariant(c) : '_';
        }
    });

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : value.ToString(CultureInfo.InvariantCulture);

    private void AppendEscaped(string text, bool quotes)
    {
        foreach (var c in text)
        {
            _ = c switch
            {
                '\\' => _text.Append("\\\\"),
                '\n' => _text.Append("\\n"),
                '"' when quotes => _text.Append("\\\""),
                _ => _text.Append(c),
            };
        }
    }
}
