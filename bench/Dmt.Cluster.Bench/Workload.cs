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
    /// Calls that are compared with each other, the first with all others. Reads by themselves: what writes leave to be
    /// compacted would go on beside them.
    /// </summary>
    public static IReadOnlyList<IReadOnlyList<Workload>> Groups(INoOpGrain noOp, ITrieStore store)
    {
        var nothing = new Workload("no-op", 1, _ => noOp.CallAsync());
        return
        [
            [
                nothing,
                new("get", 1, async random => _ = await store.GetAsync(DrawKey(random)) ?? throw Missing()),
                new($"GetMany of {Many}", Many, async random =>
                {
                    var entries = await store.GetManyAsync(DrawKeys(random));
                    _ = Array.TrueForAll(entries, static entry => entry is not null) ? true : throw Missing();
                }),
            ],
            [
                nothing,
                new("put", 1, async random => await store.PutAsync(DrawKey(random), DrawValue(random))),
                new($"PutMany of {Many}", Many, async random => await store.PutManyAsync(DrawEntries(random))),
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
