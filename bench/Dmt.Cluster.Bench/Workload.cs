using System.Buffers.Binary;
using Dmt.Core;

namespace Dmt.Cluster.Bench;

/// <summary>What is called, and how many keys a call is for.</summary>
internal sealed record Workload(string Name, int Keys, Func<Random, ValueTask> Call)
{
    private const int KeyCount = 100_000;
    private const int ValueBytes = 100;
    private const int Many = 100;

    public static IReadOnlyList<Workload> All(INoOpGrain noOp, ITrieStore store) =>
    [
        new("no-op", 1, _ => noOp.CallAsync()),
        new("get", 1, async random => _ = await store.GetAsync(DrawKey(random)) ?? throw Missing()),
        new("put", 1, async random => await store.PutAsync(DrawKey(random), DrawValue(random))),
        new("GetMany of 100", Many, async random =>
        {
            var entries = await store.GetManyAsync([.. Enumerable.Range(0, Many).Select(_ => DrawKey(random))]);
            _ = Array.TrueForAll(entries, static entry => entry is not null) ? true : throw Missing();
        }),
        new("PutMany of 100", Many, async random => await store.PutManyAsync(Draw(random, Many))),
    ];

    /// <summary>Every key, once.</summary>
    public static async Task LoadAsync(ITrieStore store)
    {
        var random = new Random(1);
        foreach (var some in Enumerable.Range(0, KeyCount).Chunk(1000))
        {
            await store.PutManyAsync(some.Select(i => KeyValuePair.Create(KeyOf(i), DrawValue(random))));
        }
    }

    private static IEnumerable<KeyValuePair<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>> Draw(
        Random random, int count) =>
        Enumerable.Range(0, count).Select(_ => KeyValuePair.Create(DrawKey(random), DrawValue(random)));

    private static ReadOnlyMemory<byte> DrawKey(Random random) => KeyOf(random.Next(KeyCount));

    private static ReadOnlyMemory<byte> KeyOf(int i)
    {
        var key = new byte[16];
        "bench/key/"u8.CopyTo(key);
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(12), i);
        return key;
    }

    private static ReadOnlyMemory<byte> DrawValue(Random random)
    {
        var value = new byte[ValueBytes];
        random.NextBytes(value);
        return value;
    }

    private static InvalidOperationException Missing() => new("a key that was put is not there");
}
