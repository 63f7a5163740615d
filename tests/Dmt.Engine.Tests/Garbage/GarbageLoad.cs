using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Tests.Garbage;

/// <summary>
/// Writers and a reader at work while a test does what it does: each has keys of its own, reads them back at once, and
/// goes on for as many writes as it is allowed. What they wrote outlives the store that they wrote it to.
/// </summary>
internal sealed class GarbageLoad
{
    public const string Prefix = "load";

    private const int Writers = 3;
    private const int KeysEach = 200;
    private readonly Dictionary<string, string>[] _noted = [.. Enumerable.Range(0, Writers).Select(_ => NewModel())];
    private SemaphoreSlim[] _allowed = [];
    private Task _running = Task.CompletedTask;
    private volatile bool _stops;
    private long _acknowledged;
    private long _scanned;

    /// <summary>Writes so far.</summary>
    public long Acknowledged => Volatile.Read(ref _acknowledged);

    /// <summary>Entries that the reader has seen so far.</summary>
    public long Scanned => Volatile.Read(ref _scanned);

    public void Start(TrieStore store, int seed)
    {
        _stops = false;
        _allowed = [.. Enumerable.Range(0, Writers + 1).Select(_ => new SemaphoreSlim(0))];
        var random = new Random(seed);
        _running = Task.WhenAll(
        [
            .. Enumerable.Range(0, Writers).Select(w =>
            {
                var own = random.Next();
                return Task.Run(() => WriteAsync(store, w, new Random(own)));
            }),
            Task.Run(() => ReadAsync(store)),
        ]);
    }

    /// <summary>Lets each writer make so many more writes, and the reader one more scan.</summary>
    public void Allow(int writes)
    {
        // A fault of theirs is to fail the cycle in which it happens.
        if (_running.IsFaulted)
        {
            _running.GetAwaiter().GetResult();
        }

        foreach (var writer in _allowed[..Writers])
        {
            writer.Release(writes);
        }

        _allowed[Writers].Release();
    }

    /// <summary>Returns when the last of them has ended; throws what one of them found.</summary>
    public async Task StopAsync()
    {
        _stops = true;
        Array.ForEach(_allowed, static allowed => allowed.Release());
        await _running;
    }

    /// <summary>Checks that the store holds what was written, no more and no less; the load must have been
    /// stopped.</summary>
    public void Check(IEnumerable<KeyValuePair<string, string>> stored) =>
        Assert.Equal(
            _noted.SelectMany(static noted => noted).OrderBy(static entry => entry.Key, StringComparer.Ordinal),
            stored.Where(static entry => entry.Key.StartsWith(Prefix, StringComparison.Ordinal)));

    /// <summary>Starts over with nothing, in a store that holds something else; the load must have been
    /// stopped.</summary>
    public async Task ClearAsync(TrieStore store)
    {
        await store.DeleteRangeAsync(KeyRange.Prefix(Encoding.UTF8.GetBytes(Prefix)));
        foreach (var noted in _noted)
        {
            noted.Clear();
        }
    }

    private static Dictionary<string, string> NewModel() => new(StringComparer.Ordinal);

    private async Task WriteAsync(TrieStore store, int writer, Random random)
    {
        var noted = _noted[writer];
        while (await NextAsync(_allowed[writer]))
        {
            var key = $"{Prefix}{writer}-{random.Next(KeysEach):D3}";
            if (random.Next(6) == 0)
            {
                await store.DeleteAsync(key);
                noted.Remove(key);
            }
            else
            {
                var value = $"{Acknowledged}-{new string('w', random.Next(300))}";
                await store.PutAsync(key, value);
                noted[key] = value;
            }

            Interlocked.Increment(ref _acknowledged);
            key = $"{Prefix}{writer}-{random.Next(KeysEach):D3}";
            Assert.Equal(noted.GetValueOrDefault(key), await store.GetTextAsync(key));
        }
    }

    /// <summary>Scans everything, in order, while tables come and go beneath.</summary>
    private async Task ReadAsync(TrieStore store)
    {
        while (await NextAsync(_allowed[Writers]))
        {
            using var scan = store.OpenScan();
            byte[] last = [];
            while (await scan.MoveNextAsync())
            {
                Assert.True(last.AsSpan().SequenceCompareTo(scan.Key) < 0, "a scan is out of order");
                last = scan.Key.ToArray();
                Interlocked.Increment(ref _scanned);
            }
        }
    }

    private async Task<bool> NextAsync(SemaphoreSlim allowed)
    {
        await allowed.WaitAsync();
        return !_stops;
    }
}
