using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Tests.Torture;

/// <summary>
/// Writers, readers, flushes and compactions at once, on tiny sizes. Values prove themselves: a value of key k with
/// counter c is c followed by bytes made from k and c. <c>DMT_STRESS_SECONDS=60</c> runs for a time rather than for a
/// number of writes.
/// </summary>
public sealed class ConcurrencyTests : IDisposable
{
    private const int Writers = 4;
    private const int Readers = 64;
    private const int KeysPerWriter = 100;
    private const int WritesPerWriter = 2_500;

    private readonly TemporaryDirectory _directory = new();
    private readonly long[] _acknowledged = new long[Writers * KeysPerWriter];
    private readonly CancellationTokenSource _done = new();
    private long _reads;
    private long _writes;

    public void Dispose()
    {
        _done.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Readers_beside_writers_see_whole_values_in_order()
    {
        var seconds =
            int.Parse(Environment.GetEnvironmentVariable("DMT_STRESS_SECONDS") ?? "0", CultureInfo.InvariantCulture);
        var until = seconds > 0 ? Environment.TickCount64 + (seconds * 1000L) : (long?)null;
        var options =
            TinyOptions.Create() with { Level0CompactionTables = 2, Level0SlowdownTables = 40, Level0StopTables = 60 };
        await using var store = await TrieStore.OpenAsync(_directory.Path, options);
        for (var i = 0; i < 500; i++)
        {
            await store.PutAsync(Encoding.UTF8.GetBytes($"still{i:D4}"), "here"u8.ToArray());
        }

        var readers = Enumerable.Range(0, Readers).Select(n => Task.Run(() => ReadAsync(store, n))).ToList();
        var maintenance = Task.Run(() => MaintainAsync(store));
        var writers = Enumerable.Range(0, Writers).Select(n => Task.Run(() => WriteAsync(store, n, until))).ToArray();
        try
        {
            await Task.WhenAny(Task.WhenAll(writers), Task.WhenAny(readers), maintenance);
        }
        finally
        {
            await _done.CancelAsync();
        }

        await Task.WhenAll([.. writers, .. readers, maintenance]);
        Assert.True(_reads > 1000 && _writes > 1000, $"{_reads} reads and {_writes} writes are too few to mean much");
        if (until is not null)
        {
            await File.WriteAllTextAsync(
                Path.Combine(AppContext.BaseDirectory, "stress.txt"),
                    $"{_writes} writes, {_reads} reads in {seconds} s\n");
        }
    }

    /// <summary>Each writer has keys of its own, so it knows what it must read back.</summary>
    private async Task WriteAsync(TrieStore store, int writer, long? until)
    {
        var random = new Random(writer);
        var batch = new WriteBatch();
        for (var n = 1L; until is { } end ? Environment.TickCount64 < end : n <= WritesPerWriter; n++)
        {
            _done.Token.ThrowIfCancellationRequested();
            var slot = (writer * KeysPerWriter) + random.Next(KeysPerWriter);
            if (n % 4 == 0)
            {
                batch.Clear();
                batch.Put(Encoding.UTF8.GetBytes($"pair{writer}a"), Value(writer, n));
                batch.Put(Encoding.UTF8.GetBytes($"pair{writer}b"), Value(writer, n));
                await store.WriteAsync(batch);
            }
            else
            {
                await store.PutAsync(SlotKey(slot), Value(slot, n));
                Volatile.Write(ref _acknowledged[slot], n);
            }

            if (n % 16 == 0)
            {
                await CompareAndSetAsync(store, n);
                Assert.Equal(
                    Volatile.Read(ref _acknowledged[slot]), Counter(slot, await store.GetAsync(SlotKey(slot))));
            }

            Interlocked.Increment(ref _writes);
        }
    }

    /// <summary>A counter that all writers share: an increment that is acknowledged is never lost.</summary>
    private async Task CompareAndSetAsync(TrieStore store, long n)
    {
        while (true)
        {
            var current = await store.GetAsync("shared"u8.ToArray());
            var next = (current is { } entry ? BinaryPrimitives.ReadInt64LittleEndian(entry.Value.Span) : 0) + 1;
            var bytes = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(bytes, next);
            var condition = current is { } c ? WriteCondition.VersionIs(c.Version) : WriteCondition.Absent;
            try
            {
                await store.PutAsync("shared"u8.ToArray(), bytes, new WriteOptions { Condition = condition });
                var total = Interlocked.Increment(ref _increments);
                Assert.True(next <= total + Writers, $"counter {next} after {total} increments, write {n}");
                return;
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Conflict)
            {
                // Another writer was first.
            }
        }
    }

    private long _increments;

    private async Task ReadAsync(TrieStore store, int reader)
    {
        var random = new Random(1000 + reader);
        var seen = new long[_acknowledged.Length];
        while (!_done.IsCancellationRequested)
        {
            var slot = random.Next(_acknowledged.Length);
            var least = Math.Max(seen[slot], Volatile.Read(ref _acknowledged[slot]));
            var counter = Counter(slot, await store.GetAsync(SlotKey(slot)));
            Assert.True(counter >= least, $"slot {slot} went back from {least} to {counter}");
            seen[slot] = counter;
            if (random.Next(50) == 0)
            {
                await ScanAsync(store, random.Next(2) == 0);
            }

            if (random.Next(50) == 0)
            {
                await ReadPairsAsync(store, random.Next(Writers));
            }

            Interlocked.Increment(ref _reads);
        }
    }

    private static async Task ScanAsync(TrieStore store, bool reverse)
    {
        using var scan = store.OpenScan(default, reverse);
        byte[] last = [];
        var still = 0;
        while (await scan.MoveNextAsync())
        {
            var key = scan.Key.ToArray();
            Assert.True(last.Length == 0 || key.AsSpan().SequenceCompareTo(last) is var order
                && (reverse ? order < 0 : order > 0));
            last = key;
            still += key.AsSpan().StartsWith("still"u8) ? 1 : 0;
            if (key.AsSpan().StartsWith("slot"u8))
            {
                Counter(int.Parse(key.AsSpan(4), CultureInfo.InvariantCulture), scan.CopyEntry());
            }
        }

        Assert.Equal(500, still);
    }

    private static async Task ReadPairsAsync(TrieStore store, int writer)
    {
        var range = KeyRange.Prefix(Encoding.UTF8.GetBytes($"pair{writer}"));
        var page = await store.ScanAsync(new ScanRequest { Range = range });
        Assert.True(page.Entries.Count is 0 or 2, $"{page.Entries.Count} of a pair");
        using var snapshot = store.OpenSnapshot();
        var first = await snapshot.GetAsync(Encoding.UTF8.GetBytes($"pair{writer}a"));
        await Task.Yield();
        var second = await snapshot.GetAsync(Encoding.UTF8.GetBytes($"pair{writer}b"));
        Assert.Equal(Counter(writer, first), Counter(writer, second));
        var again = await snapshot.GetAsync(Encoding.UTF8.GetBytes($"pair{writer}a"));
        Assert.Equal(first?.Version, again?.Version);
        if (page.Entries.Count == 2)
        {
            Assert.Equal(Counter(writer, page.Entries[0].Entry), Counter(writer, page.Entries[1].Entry));
        }
    }

    private async Task MaintainAsync(TrieStore store)
    {
        for (var n = 1; !_done.IsCancellationRequested; n++)
        {
            await (n % 10 == 0 ? store.CompactAsync() : store.FlushAsync());
            await store.StatAsync();
            await Task.Yield();
        }
    }

    private static byte[] SlotKey(int slot) => Encoding.UTF8.GetBytes($"slot{slot:D4}");

    private static byte[] Value(int slot, long counter)
    {
        var value = new byte[8 + (int)((slot + counter) % 300)];
        new Random(HashCode(slot, counter)).NextBytes(value);
        BinaryPrimitives.WriteInt64LittleEndian(value, counter);
        return value;
    }

    private static long Counter(int slot, Entry? entry)
    {
        if (entry is not { } found)
        {
            return 0;
        }

        var counter = BinaryPrimitives.ReadInt64LittleEndian(found.Value.Span);
        Assert.True(Value(slot, counter).AsSpan()
            .SequenceEqual(found.Value.Span), $"slot {slot}, counter {counter}: a torn value");
        return counter;
    }

    private static int HashCode(int slot, long counter) => unchecked((slot * 397) ^ (int)counter);
}
