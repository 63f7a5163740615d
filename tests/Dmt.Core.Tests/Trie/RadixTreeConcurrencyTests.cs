using Dmt.Core.Trie;
using Xunit.Abstractions;

namespace Dmt.Core.Tests.Trie;

/// <summary>
/// One writer against several readers. The payload is a hash of its key, so that a torn or freed node shows; freed
/// memory is poisoned. Some keys are there throughout: they must always be found, and no walk may miss them.
/// </summary>
public sealed class RadixTreeConcurrencyTests(ITestOutputHelper output)
{
    private const int Readers = 3;

    /// <summary>Short keys of few letters: nodes split and merge all the time, keys are prefixes of others.</summary>
    [Fact]
    public Task Readers_see_whole_nodes_while_short_keys_come_and_go() =>
        Run(seed: 11, operations: 400_000, random => Key(random, 0, 7, 4));

    /// <summary>Two bytes: nodes of all sizes grow and shrink.</summary>
    [Fact]
    public Task Readers_see_whole_nodes_while_they_change_size() =>
        Run(seed: 12, operations: 400_000, random => Key(random, 1, 2, 256));

    [Fact]
    public Task Readers_see_whole_nodes_with_long_prefixes() =>
        Run(seed: 13, operations: 200_000, random => [.. new byte[random.Next(40) * 8], .. Key(random, 0, 4, 6)]);

    private async Task Run(int seed, int operations, Func<Random, byte[]> next)
    {
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var keys = Enumerable.Range(0, 6000).Select(_ => next(random)).Distinct(new SameBytes()).ToArray();
        var stays = keys.Where((_, i) => i % 5 == 0).ToArray();
        var changes = keys.Where((_, i) => i % 5 != 0).ToArray();
        var arena = new NativeArena(poisonFreed: true);
        using var tree = new RadixTree(null, arena);
        foreach (var key in stays)
        {
            tree.Insert(key, Hash(key));
        }

        Array.Sort(stays, ByteOrder.Instance);
        using var done = new CancellationTokenSource();
        var readers = Enumerable.Range(0, Readers)
            .Select(i => Task.Factory.StartNew(
                () => Read(tree, stays, changes, new Random(seed + i + 1), done.Token),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default))
            .ToArray();
        Write(tree, changes, operations, random, readers);
        await done.CancelAsync();
        await Task.WhenAll(readers);

        foreach (var key in keys)
        {
            tree.Delete(key);
        }

        tree.Reclaim();
        Assert.Equal(0, tree.Count);
        Assert.Equal(0, arena.BytesUsed);
    }

    /// <summary>Waves: now mostly inserts, now mostly deletes, so that nodes go all the way up and down.</summary>
    private static void Write(RadixTree tree, byte[][] keys, int operations, Random random, Task[] readers)
    {
        for (var i = 0; i < operations && !readers.Any(r => r.IsCompleted); i++)
        {
            var key = keys[random.Next(keys.Length)];
            var insertsOfTen = (i / 20_000) % 2 == 0 ? 8 : 2;
            if (random.Next(10) < insertsOfTen)
            {
                tree.Insert(key, Hash(key));
            }
            else
            {
                tree.Delete(key);
            }
        }
    }

    private static void Read(RadixTree tree, byte[][] stays, byte[][] changes, Random random, CancellationToken done)
    {
        using var cursor = tree.CreateCursor();
        for (var round = 0; round < 3 || !done.IsCancellationRequested; round++)
        {
            for (var i = 0; i < 200; i++)
            {
                var fixedKey = stays[random.Next(stays.Length)];
                Assert.True(tree.TryGet(fixedKey, out var value), "a key that is there throughout was not found");
                Assert.Equal(Hash(fixedKey), value);
                var key = changes[random.Next(changes.Length)];
                Assert.True(!tree.TryGet(key, out value) || value == Hash(key), "the payload of another key");
                Assert.True(tree.TryLongestPrefix([.. fixedKey, 1, 2], out var length, out _));
                Assert.True(length >= fixedKey.Length, "a longer prefix is there throughout");
            }

            var from = random.Next(stays.Length);
            WalkUp(cursor, stays, from, Math.Min(stays.Length, from + 300));
            WalkDown(cursor, stays, from, Math.Max(0, from - 300));
        }
    }

    private static void WalkUp(RadixCursor cursor, byte[][] stays, int from, int to)
    {
        var last = Array.Empty<byte>();
        var next = from;
        for (var more = cursor.Seek(stays[from]); next < to; more = cursor.MoveNext())
        {
            Assert.True(more, "the walk ended before a key that is there throughout");
            Assert.True(next == from || cursor.Key.SequenceCompareTo(last) > 0, "keys do not rise");
            Assert.Equal(Hash(cursor.Key), cursor.Value);
            var order = cursor.Key.SequenceCompareTo(stays[next]);
            Assert.True(order <= 0, "a key that is there throughout was skipped");
            next += order == 0 ? 1 : 0;
            last = cursor.Key.ToArray();
        }

        cursor.Reset();
    }

    private static void WalkDown(RadixCursor cursor, byte[][] stays, int from, int to)
    {
        var last = Array.Empty<byte>();
        var next = from;
        for (var more = cursor.SeekForPrev(stays[from]); next >= to; more = cursor.MovePrev())
        {
            Assert.True(more, "the walk ended before a key that is there throughout");
            Assert.True(next == from || cursor.Key.SequenceCompareTo(last) < 0, "keys do not fall");
            Assert.Equal(Hash(cursor.Key), cursor.Value);
            var order = cursor.Key.SequenceCompareTo(stays[next]);
            Assert.True(order >= 0, "a key that is there throughout was skipped");
            next -= order == 0 ? 1 : 0;
            last = cursor.Key.ToArray();
        }

        cursor.Reset();
    }

    private static byte[] Key(Random random, int lengthMin, int lengthMax, int letters)
    {
        var key = new byte[random.Next(lengthMin, lengthMax + 1)];
        for (var i = 0; i < key.Length; i++)
        {
            key[i] = (byte)random.Next(letters);
        }

        return key;
    }

    /// <summary>FNV-1a.</summary>
    private static ulong Hash(ReadOnlySpan<byte> key)
    {
        var hash = 14695981039346656037ul + (ulong)key.Length;
        foreach (var b in key)
        {
            hash = (hash ^ b) * 1099511628211ul;
        }

        return hash;
    }

    private sealed class SameBytes : IEqualityComparer<byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] key) => (int)Hash(key);
    }
}
