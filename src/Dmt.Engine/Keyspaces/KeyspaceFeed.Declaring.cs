using System.Collections.Concurrent;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Keyspaces;

/// <content>Which keyspaces have copies, and of which generation: what is written down, and how it changes.</content>
internal sealed partial class KeyspaceFeed
{
    private readonly ConcurrentQueue<(string Name, TaskCompletionSource Begun)> _rebuilds = new();

    private bool HasRebuilds => !_rebuilds.IsEmpty;

    /// <summary>Begins to make the copies of a keyspace again; returns when searches wait for them.</summary>
    public async ValueTask RebuildAsync(string name, CancellationToken cancellationToken)
    {
        _ = IndexOf(name);
        ThrowIfStuck();
        var begun = _host.Scheduler.NewCompletion();
        _rebuilds.Enqueue((name, begun));
        _queue.Wake();
        if (_hasEnded)
        {
            EndRebuilds();
        }

        await begun.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Reads what is written down; begins to build what is not there, and takes away what is not declared any more.
    /// Done again, it does nothing more.
    /// </summary>
    private async ValueTask DeclareAsync()
    {
        await LoadPositionsAsync().ConfigureAwait(false);
        if (await _store.GetUncheckedAsync(CopyKeys.Intent, _stop.Token).ConfigureAwait(false) is { } intent)
        {
            (_inDoubt, _hasIntent) = (DecodeIntent(intent.Value.Span), true);
        }

        var records = await LoadRecordsAsync().ConfigureAwait(false);
        var next = records.Count > 0 ? records.Keys.Max() + 1 : 1;
        var kept = new HashSet<uint>();
        for (var i = 0; i < _keys.Length; i++)
        {
            // After a restore shards are as of different moments: nothing that is in several of them can be trusted.
            var found = _host.Options.RestoreFrom is not null ? default : records
                .Where(record => record.Value?.Keyspace.Equals(_keys[i].Keyspace) == true)
                .OrderBy(static record => record.Key).LastOrDefault();
            if (_copies[i] is { } begun)
            {
                kept.Add(begun.Generation); // Begun by an attempt that failed behind this.
            }
            else if (found.Key == 0)
            {
                kept.Add(next);
                await BeginAsync(i, next++).ConfigureAwait(false);
            }
            else
            {
                kept.Add(found.Key);
                if (!found.Value!.Value.IsBuilt)
                {
                    NoteBuild(_keys[i].Keyspace, found.Key);
                }

                Volatile.Write(
                    ref _copies[i], new KeyspaceCopies(_keys[i], found.Key) { IsBuilt = found.Value!.Value.IsBuilt });
            }
        }

        foreach (var generation in records.Keys.Where(one => !kept.Contains(one)))
        {
            await RemoveAsync(generation).ConfigureAwait(false);
        }
    }

    /// <summary>Takes up what operators asked for.</summary>
    private async ValueTask RebuildAsync()
    {
        while (_rebuilds.TryPeek(out var rebuild))
        {
            var at = IndexOf(rebuild.Name);
            var old = _copies[at]!;
            var records = await LoadRecordsAsync().ConfigureAwait(false);
            await BeginAsync(at, records.Keys.Max() + 1).ConfigureAwait(false);
            await RemoveAsync(old.Generation).ConfigureAwait(false);
            _rebuilds.TryDequeue(out _);
            _host.Scheduler.Complete(rebuild.Begun);
        }
    }

    private void EndRebuilds()
    {
        while (_rebuilds.TryDequeue(out var rebuild))
        {
            _host.Scheduler.Complete(rebuild.Begun, _problem ?? DmtException.Closed("the store"));
        }
    }

    /// <summary>A new generation, of which nothing is there yet.</summary>
    private async ValueTask BeginAsync(int at, uint generation)
    {
        var keyspace = _keys[at].Keyspace;
        await _store.DeleteRangeUncheckedAsync(CopyKeys.OfGeneration(generation), default, _stop.Token)
            .ConfigureAwait(false);
        await PutAsync(CopyKeys.Keyspace(generation), KeyspaceCodec.Encode(keyspace, isBuilt: false))
            .ConfigureAwait(false);
        NoteBuild(keyspace, generation);
        Volatile.Write(ref _copies[at], new KeyspaceCopies(_keys[at], generation));
    }

    private void NoteBuild(Keyspace keyspace, uint generation) =>
        _queue.Note(new DirtyRange(keyspace, KeyRange.Prefix(keyspace.Prefix)) { Builds = generation });

    /// <summary>The record goes last: what is begun and not done is found by it.</summary>
    private async ValueTask RemoveAsync(uint generation)
    {
        await _store.DeleteRangeUncheckedAsync(CopyKeys.OfGeneration(generation), default, _stop.Token)
            .ConfigureAwait(false);
        await _store.WriteUncheckedAsync(
            new WriteBatch().Delete(CopyKeys.Keyspace(generation)), Durability.Default, _stop.Token)
            .ConfigureAwait(false);
    }

    private async ValueTask MarkBuiltAsync(KeyspaceCopies copies)
    {
        await PutAsync(CopyKeys.Keyspace(copies.Generation), KeyspaceCodec.Encode(copies.Keyspace, isBuilt: true))
            .ConfigureAwait(false);
        copies.IsBuilt = true;
    }

    private async ValueTask PutAsync(byte[] key, byte[] value) => await _store.WriteUncheckedAsync(
        new WriteBatch().Put(key, value), Durability.Default, _stop.Token).ConfigureAwait(false);

    /// <summary>By generation; null where this version did not write it.</summary>
    private async ValueTask<Dictionary<uint, (Keyspace Keyspace, bool IsBuilt)?>> LoadRecordsAsync()
    {
        var records = new Dictionary<uint, (Keyspace, bool)?>();
        using var scan = new Scan(_store.Shards, CopyKeys.Keyspaces, reverse: false, null);
        while (await scan.MoveNextAsync(_stop.Token).ConfigureAwait(false))
        {
            records.Add(CopyKeys.GenerationOf(scan.Key), KeyspaceCodec.TryDecode(scan.Value));
        }

        return records;
    }
}
