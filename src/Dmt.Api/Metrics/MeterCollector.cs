using System.Diagnostics.Metrics;

namespace Dmt.Api.Metrics;

/// <summary>
/// Keeps the current values of all instruments of meters whose name begins with "Dmt.". The number of series per
/// instrument is bounded: what comes beyond is counted, not kept.
/// </summary>
internal sealed class MeterCollector : IDisposable
{
    private const string MeterPrefix = "Dmt.";
    private const int SeriesMax = 1000;

    private readonly MeterListener _listener = new();
    private readonly Lock _lock = new(); // Guards the set of instruments.
    private readonly Lock _observation = new(); // Lets one observation end before the next forgets it.
    private readonly List<InstrumentSeries> _instruments = [];

    public MeterCollector()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name.StartsWith(MeterPrefix, StringComparison.Ordinal))
            {
                var series = new InstrumentSeries(instrument, SeriesMax);
                lock (_lock)
                {
                    _instruments.Add(series);
                }

                listener.EnableMeasurementEvents(instrument, series);
            }
        };
        _listener.MeasurementsCompleted = (_, state) =>
        {
            lock (_lock)
            {
                _instruments.Remove((InstrumentSeries)state!);
            }
        };
        _listener.SetMeasurementEventCallback<byte>(static (_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<short>(static (_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<float>(static (_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, state) => Record(state, value, tags));
        _listener.SetMeasurementEventCallback<decimal>(
            static (_, value, tags, state) => Record(state, (double)value, tags));
        _listener.Start();
    }

    public void WriteTo(PrometheusWriter to)
    {
        lock (_observation)
        {
            ObserveAndWrite(to);
        }
    }

    public void Dispose() => _listener.Dispose();

    private void ObserveAndWrite(PrometheusWriter to)
    {
        InstrumentSeries[] all;
        lock (_lock)
        {
            all = [.. _instruments];
        }

        foreach (var series in all)
        {
            series.ForgetObserved();
        }

        _listener.RecordObservableInstruments();

        // Several meters of one name (two stores in one process) are one family.
        long dropped = 0;
        foreach (var family in all.GroupBy(series => series.Name).OrderBy(family => family.Key, StringComparer.Ordinal))
        {
            var first = family.First();
            to.Family(first.Name, first.Type, first.Help);
            InstrumentSeries.WriteFamily(to, [.. family.Where(series => series.Type == first.Type)]);
            dropped += family.Sum(series => series.Dropped);
        }

        to.Single(
            "dmt_metrics_series_dropped_total",
            "counter",
            "Measurements dropped because an instrument has too many series.",
            dropped);
    }

    /// <summary>Without a state where the instrument is published, or its meter disposed, at this moment.</summary>
    private static void Record(object? state, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        (state as InstrumentSeries)?.Record(value, tags);
}
