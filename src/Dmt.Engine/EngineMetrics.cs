using System.Diagnostics.Metrics;
using Dmt.Engine.Shards;

namespace Dmt.Engine;

/// <summary>Counters of background work, under the meter <c>Dmt.Engine</c>.</summary>
internal sealed class EngineMetrics : IDisposable
{
    public const string MeterName = "Dmt.Engine";

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _flushes;
    private readonly Counter<long> _flushedBytes;
    private readonly Counter<long> _compactions;
    private readonly Counter<long> _compactedBytesRead;
    private readonly Counter<long> _compactedBytesWritten;
    private readonly Histogram<double> _shardPauses;
    private long _tableBytesWritten;
    private long _shardPauseLongestTicks;

    public EngineMetrics()
    {
        _flushes = _meter.CreateCounter<long>("dmt_flushes", null, "Memtables written into tables");
        _flushedBytes = _meter.CreateCounter<long>("dmt_flushed_bytes", "By", "Bytes of tables written by flushes");
        _compactions = _meter.CreateCounter<long>("dmt_compactions", null, "Compactions done");
        _compactedBytesRead =
            _meter.CreateCounter<long>("dmt_compaction_read_bytes", "By", "Bytes of tables read by compactions");
        _compactedBytesWritten =
            _meter.CreateCounter<long>("dmt_compaction_written_bytes", "By", "Bytes of tables written by compactions");
        _shardPauses = _meter.CreateHistogram<double>(
            "dmt_shard_pause_seconds", "s", "How long writers of a shard waited for a carve or a merge");
    }

    /// <summary>Tells the figures of this store from those of others in the process.</summary>
    public Meter Meter => _meter;

    /// <summary>Bytes of all tables written since the start.</summary>
    public long TableBytesWritten => Volatile.Read(ref _tableBytesWritten);

    /// <summary>The longest that the writers of a shard had to wait for a carve or a merge.</summary>
    public TimeSpan ShardPauseLongest => TimeSpan.FromTicks(Volatile.Read(ref _shardPauseLongestTicks));

    public void ShardPaused(TimeSpan pause)
    {
        _shardPauses.Record(pause.TotalSeconds);
        long longest;
        while ((longest = Volatile.Read(ref _shardPauseLongestTicks)) < pause.Ticks)
        {
            Interlocked.CompareExchange(ref _shardPauseLongestTicks, pause.Ticks, longest);
        }
    }

    public void Flushed(long bytes)
    {
        _flushes.Add(1);
        _flushedBytes.Add(bytes);
        Interlocked.Add(ref _tableBytesWritten, bytes);
    }

    public void Compacted(long read, long written)
    {
        _compactions.Add(1);
        _compactedBytesRead.Add(read);
        _compactedBytesWritten.Add(written);
        Interlocked.Add(ref _tableBytesWritten, written);
    }

    /// <summary>Figures that are read when somebody looks.</summary>
    public void Observe(ShardHost host)
    {
        Counter(
            "dmt_written_bytes", "By", "Bytes of keys, values and metadata written", static s => s.UserBytesWritten);
        Counter("dmt_sequence", null, "Operations ever written", static s => (long)s.LastSequence);
        Counter("dmt_block_cache_misses", null, "Blocks loaded into the cache", static s => s.Cache.Loads);
        Counter("dmt_block_cache_evictions", null, "Blocks dropped from the cache", static s => s.Cache.Evictions);
        Gauge("dmt_block_cache_bytes", "By", "Bytes of cached blocks", static s => s.Cache.Bytes);
        Gauge("dmt_memtable_bytes", "By", "Bytes of memtables, frozen ones included", static s =>
            s.Budget.MemtableBytes);
        Counter("dmt_garbage_failures", null, "Collections of garbage that failed", static s =>
            s.Collector.Failures);
        Gauge("dmt_log_bytes", "By", "Bytes of log that are kept", static s => s.Log.LiveBytes);
        Gauge("dmt_writes_refused", null, "1 while writes are refused", static s => s.Problem is null ? 0 : 1);
        Gauge("dmt_table_bytes", "By", "Bytes of all tables", static s => s.TableBytes);
        Gauge("dmt_tables", null, "Number of tables", static s => s.TableCount);

        if (host.Objects.Requests is not null)
        {
            _meter.CreateObservableGauge(
                "dmt_objects_dollars_per_month",
                () => (double)(host.RequestDollarsPerMonth ?? 0),
                null,
                "Estimated price of requests a month, at the rate since the start, in US dollars");
        }

        if (host.Objects.DiskCache is not null)
        {
            Counter("dmt_disk_cache_hits", null, "Parts of tables read from the cache on disk",
                static s => s.Objects.DiskCache?.Hits ?? 0);
            Counter("dmt_disk_cache_misses", null, "Parts of tables fetched because the cache on disk had them not",
                static s => s.Objects.DiskCache?.Misses ?? 0);
            Counter("dmt_disk_cache_evictions", null, "Parts of tables dropped from the cache on disk for others",
                static s => s.Objects.DiskCache?.Evictions ?? 0);
            Counter("dmt_disk_cache_failures", null, "Damaged parts in the cache, and writes that its disk refused",
                static s => s.Objects.DiskCache?.Failures ?? 0);
            Gauge("dmt_disk_cache_bytes", "By", "Bytes of tables in the cache on disk",
                static s => s.Objects.DiskCache?.Bytes ?? 0);
        }

        void Counter(string name, string? unit, string description, Func<ShardHost, long> read) =>
            _meter.CreateObservableCounter(name, () => read(host), unit, description);

        void Gauge(string name, string? unit, string description, Func<ShardHost, long> read) =>
            _meter.CreateObservableGauge(name, () => read(host), unit, description);
    }

    public void Dispose() => _meter.Dispose();
}
