using System.Buffers.Binary;
using Dmt.Core;

namespace Dmt.Cluster.Bench;

/// <summary>What is called, and how many keys a call is for.</summary>
internal sealed record Workload(string Name, int Keys, Func<Random, ValueTask> Call)
{
    private const int KeyCount = 100_000;
    private const int ValueBytes = 100;
    private const int Many = 100;

    // Made once: what is measured is not how fast keys and random bytes are made.
    private static readonly ReadOnlyMemory<byte>[] AllKeys = [.. Enumerable.Range(0, KeyCount).Select(KeyOf)];
    private static readonly byte[] Noise = MakeNoise();

    /// <summary>
    /// Calls that are compared with each other, the three single ones with the others. Reads by themselves: what writes
    /// leave to be compacted would go on beside them. The ceiling of what a client can get, the engine in its own
    /// process, goes with the reads and comes last for the writes, for the same reason.
    /// </summary>
    /// <param name="noOp">Does nothing.</param>
    /// <param name="store">Calls of many callers share messages.</param>
    /// <param name="alone">Each call is a message.</param>
    /// <param name="embedded">In this process: no network, no grain.</param>
    public static IReadOnlyList<IReadOnlyList<Workload>> Groups(
        INoOpGrain noOp, ITrieStore store, ITrieStore alone, ITrieStore embedded)
    {
        var nothing = new Workload("no-op", 1, _ => noOp.CallAsync());
        return
        [
            [
                nothing,
                new("get, a message each", 1, random => GetAsync(alone, random)),
                new("get", 1, random => GetAsync(store, random)),
                new($"GetMany of {Many}", Many, random => GetManyAsync(store, random)),
                new($"GetMany of {Many}, embedded", Many, random => GetManyAsync(embedded, random)),
            ],
            [
                nothing,
                new("put, a message each", 1, random => PutAsync(alone, random)),
                new("put", 1, random => PutAsync(store, random)),
                new($"PutMany of {Many}", Many, random => PutManyAsync(store, random)),
            ],
            [
                nothing,
                new($"PutMany of {Many}, embedded", Many, random => PutManyAsync(embedded, random)),
            ],
        ];
    }

    /// <summary>Every key, once.</summary>
    public static async Task LoadAsync(ITrieStore store)
    {
        var random = new Random(1);
        foreach (var some in AllKeys.Chunk(1000))
        {
            await store.PutManyAsync(some.Select(key => KeyValuePair.Create(key, DrawValue(random))));
        }
    }

    private static async ValueTask GetAsync(ITrieStore store, Random random) =>
        _ = await store.GetAsync(DrawKey(random)) ?? throw Missing();

    private static async ValueTask PutAsync(ITrieStore store, Random random) =>
        await store.PutAsync(DrawKey(random), DrawValue(random));

    private static async ValueTask GetManyAsync(ITrieStore store, Random random)
    {
        var entries = await store.GetManyAsync(DrawKeys(random));
        _ = Array.TrueForAll(entries, static entry => entry is not null) ? true : throw Missing();
    }

    private static async ValueTask PutManyAsync(ITrieStore store, Random random) =>
        await store.PutManyAsync(DrawEntries(random));

    private static ReadOnlyMemory<byte>[] DrawKeys(Random random)
    {
        var keys = new ReadOnlyMemory<byte>[Many];
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = DrawKey(random);
        }

        return keys;
    }

    private static KeyValuePair<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>[] DrawEntries(Random random) =>
        Array.ConvertAll(DrawKeys(random), key => KeyValuePair.Create(key, DrawValue(random)));

    private static ReadOnlyMemory<byte> DrawKey(Random random) => AllKeys[random.Next(KeyCount)];

    private static ReadOnlyMemory<byte> DrawValue(Random random) =>
        Noise.AsMemory(random.Next(Noise.Length - ValueBytes), ValueBytes);

    private static ReadOnlyMemory<byte> KeyOf(int i)
    {
        var key = new byte[16];
        "bench/key/"u8.CopyTo(key);
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(12), i);
        return key;
    }

    private static byte[] MakeNoise()
    {
        var noise = new byte[1 << 20];
        new Random(2).NextBytes(noise);
        return noise;
    }

    private static InvalidOperationException Missing() => new("a key that was put is not there");
}
