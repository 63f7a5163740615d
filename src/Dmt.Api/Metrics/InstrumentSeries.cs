using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Dmt.Api.Metrics;

/// <summary>
/// All series of one instrument: a value or a histogram for each set of tags. Safe for concurrent use.
/// </summary>
internal sealed class InstrumentSeries
{
    private readonly Lock _lock = new(); // Guards the series.
    private readonly Dictionary<string, Series> _series = new(StringComparer.Ordinal);
    private readonly int _seriesMax;
    private readonly bool _observed;
    private readonly bool _adds;
    private readonly IReadOnlyList<double>? _bounds;

    public InstrumentSeries(Instrument instrument, int seriesMax)
    {
        _seriesMax = seriesMax;
        _observed = instrument.IsObservable;
        var kind = instrument.GetType().Name;
        Type = kind.StartsWith("Histogram", StringComparison.Ordinal) ? "histogram"
            : kind.StartsWith("Counter", StringComparison.Ordinal)
            || kind.StartsWith("ObservableCounter", StringComparison.Ordinal)
            ? "counter"
            : "gauge";
        _adds = !_observed && !kind.StartsWith("Gauge", StringComparison.Ordinal);
        Name = NameOf(instrument, Type);
        Help = instrument.Description is { Length: > 0 } description ? description : instrument.Name;
        _bounds = Type == "histogram" ? BoundsOf(instrument) : null;
    }

    public string Name { get; }

    /// <summary>counter, gauge or histogram.</summary>
    public string Type { get; }

    public string Help { get; }

    /// <summary>Measurements that had no room.</summary>
    public long Dropped { get; private set; }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (_lock)
        {
            var id = tags.IsEmpty ? "" : IdOf(tags);
            if (!_series.TryGetValue(id, out var series))
            {
                if (_series.Count >= _seriesMax)
                {
                    Dropped++;
                    return;
                }

                series = new Series(LabelsOf(tags), _bounds is null ? null : new HistogramData(_bounds));
                _series.Add(id, series);
            }

            series.Histogram?.Record(value);
            series.Value = _adds ? series.Value + value : value;
        }
    }

    /// <summary>Observed values are those of one observation: a series that is not seen again is gone.</summary>
    public void ForgetObserved()
    {
        if (_observed)
        {
            lock (_lock)
            {
                _series.Clear();
            }
        }
    }

    /// <summary>Writes the samples of instruments of one name, adding up series with the same labels.</summary>
    public static void WriteFamily(PrometheusWriter to, IReadOnlyList<InstrumentSeries> family)
    {
        var written = new HashSet<string>(StringComparer.Ordinal);
        var all = family.SelectMany(one => one.Snapshot()).OrderBy(pair => pair.Key, StringComparer.Ordinal);
        foreach (var (id, first) in all)
        {
            if (!written.Add(id))
            {
                continue;
            }

            if (first.Histogram is not null)
            {
                to.Histogram(family[0].Name, first.Labels, first.Histogram);
            }
            else
            {
                to.Sample(family[0].Name, first.Labels, family.Sum(one => one.ValueOf(id)));
            }
        }
    }

    private KeyValuePair<string, Series>[] Snapshot()
    {
        lock (_lock)
        {
            return [.. _series];
        }
    }

    private double ValueOf(string id)
    {
        lock (_lock)
        {
            return _series.TryGetValue(id, out var series) ? series.Value : 0;
        }
    }

    private static string NameOf(Instrument instrument, string type)
    {
        var name = PrometheusWriter.ToName(instrument.Name);
        var unit = instrument.Unit switch
        {
            "s" => "_seconds",
            "ms" => "_milliseconds",
            "By" => "_bytes",
            _ => "",
        };
        name = name.EndsWith("_total", StringComparison.Ordinal) ? name[..^"_total".Length] : name;
        name = name.EndsWith(unit, StringComparison.Ordinal) ? name : name + unit;
        name = name.StartsWith("dmt_", StringComparison.Ordinal) ? name : "dmt_" + name;
        return type == "counter" ? name + "_total" : name;
    }

    private static IReadOnlyList<double> BoundsOf(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { } bounds } => bounds,
        Histogram<long> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(bound => (double)bound)],
        Histogram<int> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(bound => (double)bound)],
        _ when instrument.Unit == "s" => HistogramData.SecondsBounds,
        _ => [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000],
    };

    private static string IdOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var id = new StringBuilder();
        foreach (var (name, value) in tags)
        {
            id.Append(name).Append('\u0001').Append(TextOf(value)).Append('\u0002');
        }

        return id.ToString();
    }

    private static KeyValuePair<string, string>[] LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new KeyValuePair<string, string>[tags.Length];
        for (var i = 0; i < tags.Length; i++)
        {
            labels[i] = new(PrometheusWriter.ToName(tags[i].Key), TextOf(tags[i].Value));
        }

        return labels;
    }

    private static string TextOf(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

    private sealed class Series(KeyValuePair<string, string>[] labels, HistogramData? histogram)
    {
        public KeyValuePair<string, string>[] Labels => labels;

        public HistogramData? Histogram => histogram;

        public double Value { get; set; }
    }
}
