using Dmt.Engine.Manifests;

namespace Dmt.Engine.Log;

/// <summary>Logs in a folder that only one process at a time can have.</summary>
internal sealed class FileLogStore(string directory, FileLogOptions options, TimeProvider time) : ILogStore
{
    /// <summary>While many shards are recovered: the records of each log, by shard.</summary>
    private Dictionary<string, Dictionary<uint, List<KeptRecord>>>? _kept;

    private readonly HashSet<string> _synced = []; // incarnations; guarded by itself

    public bool IsExclusive => true;

    public INodeLog Create(string incarnation) => FileLog.Create(directory, incarnation, options, time);

    public IReadOnlyList<string> ListOwnIncarnations() => FileLog.ListIncarnations(directory);

    public IReadOnlyCollection<uint> BeginRecovery(IReadOnlyList<string> incarnations)
    {
        _kept = [];
        foreach (var incarnation in incarnations)
        {
            var byShard = _kept[incarnation] = [];
            FileLog.Replay(directory, incarnation, 0, Keep, allowsMissingHead: true);

            void Keep(in LogRecord record)
            {
                if (!byShard.TryGetValue(record.Shard, out var records))
                {
                    byShard.Add(record.Shard, records = []);
                }

                records.Add(new KeptRecord(
                    record.Epoch, record.FirstSeq, record.Count, record.Operations.ToArray(), record.Position,
                    record.File, record.Offset));
            }
        }

        return _kept.Values.SelectMany(static log => log.Keys).ToHashSet();
    }

    public void EndRecovery() => _kept = null;

    /// <summary>Its process has ended; what it wrote is brought to the disk, once for all shards.</summary>
    public ValueTask SealAsync(LogRange range, CancellationToken cancellationToken)
    {
        lock (_synced)
        {
            if (!_synced.Contains(range.Incarnation))
            {
                LogFolder.Sync(directory, range.Incarnation, options.Medium);
                _synced.Add(range.Incarnation);
            }
        }

        return ValueTask.CompletedTask;
    }

    public void Check(LogRange range)
    {
        if (_kept is null)
        {
            FileLog.Replay(directory, range.Incarnation, range.From, static (in LogRecord _) => { });
        }
    }

    public ValueTask ReplayAsync(
        LogRange range, uint shard, LogRecordHandler handler, CancellationToken cancellationToken)
    {
        if (_kept is null || !_kept.TryGetValue(range.Incarnation, out var byShard))
        {
            FileLog.Replay(directory, range.Incarnation, range.From, handler);
            return ValueTask.CompletedTask;
        }

        foreach (var kept in byShard.GetValueOrDefault(shard) ?? [])
        {
            if (kept.Position > range.From)
            {
                handler(new LogRecord
                {
                    Shard = shard,
                    Epoch = kept.Epoch,
                    FirstSeq = kept.FirstSeq,
                    Count = kept.Count,
                    Operations = kept.Operations,
                    Position = kept.Position,
                    File = kept.File,
                    Offset = kept.Offset,
                });
            }
        }

        return ValueTask.CompletedTask;
    }

    public void Delete(string incarnation) => FileLog.Delete(directory, incarnation);

    private sealed record KeptRecord(
        ulong Epoch, ulong FirstSeq, int Count, byte[] Operations, long Position, string File, long Offset);
}
