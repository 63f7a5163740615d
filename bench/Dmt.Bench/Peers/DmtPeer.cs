using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine;

namespace Dmt.Bench.Peers;

/// <summary>
/// DMT with its default settings. Its calls complete synchronously but for waits, and those block here: the driver is
/// one thread.
/// </summary>
internal sealed class DmtPeer : Peer
{
    private readonly TrieStore _store;
    private readonly byte[] _key = new byte[Key.BytesMax];
    private readonly byte[] _value = new byte[1 << 20];

    public DmtPeer(string folder, bool isScratch)
    {
        var options = new EngineOptions { CacheBytes = CacheBytes, FilterBitsPerKey = FilterBitsPerKey };
        if (isScratch)
        {
            options = options with { MemtableBytes = 256 << 10, TableBytes = 256 << 10, LevelBaseBytes = 1 << 20 };
        }

        _store = Wait(TrieStore.OpenAsync(folder, options));
    }

    public override void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
        Wait(_store.PutAsync(Copy(key, _key), Copy(value, _value)));

    public override void PutSync(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var options = new WriteOptions { Durability = Durability.Strict };
        Wait(_store.PutAsync(Copy(key, _key), Copy(value, _value), options));
    }

    public override bool Get(ReadOnlySpan<byte> key, in ValueCheck check)
    {
        if (Wait(_store.GetAsync(Copy(key, _key))) is not { } entry)
        {
            return false;
        }

        return check.Passes(entry.Value.Span) ? true : throw BadValue();
    }

    public override long Scan(ReadOnlySpan<byte> start, long limit)
    {
        using var scan = _store.OpenScan(new KeyRange(Copy(start, _key), null));
        long seen = 0;
        while (seen < limit && Wait(scan.MoveNextAsync()))
        {
            Look(scan.Key, scan.Value);
            seen++;
        }

        return seen;
    }

    public override void Compact() => _store.CompactAsync().AsTask().GetAwaiter().GetResult();

    public override void Dispose() => _store.DisposeAsync().AsTask().GetAwaiter().GetResult();

    private static T Wait<T>(ValueTask<T> task) =>
        task.IsCompletedSuccessfully ? task.Result : task.AsTask().GetAwaiter().GetResult();

    private static ReadOnlyMemory<byte> Copy(ReadOnlySpan<byte> from, byte[] to)
    {
        from.CopyTo(to);
        return to.AsMemory(0, from.Length);
    }
}
