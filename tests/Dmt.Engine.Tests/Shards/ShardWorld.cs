using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Shards;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Shards;

/// <summary>A store of shards and the sorted dictionary that it must equal.</summary>
internal sealed class ShardWorld
{
    private static readonly char[] Letters = ['a', 'b', 'c'];

    public SortedDictionary<string, string> Model { get; } = new(StringComparer.Ordinal);

    public static ValueTask<TrieStore> OpenAsync(
        IObjectStore objects, EngineOptions? options = null, TimeSpan? closeTimeout = null)
    {
        var logOptions = new ObjectLogOptions { CloseTimeout = closeTimeout ?? TimeSpan.FromSeconds(6) };
        var logs = new ObjectLogStore(objects, logOptions, TimeProvider.System, EngineScheduler.ThreadPool);
        return TrieStore.OpenAsync(
            objects, logs, options ?? Options, TimeProvider.System, EngineScheduler.ThreadPool, null, default);
    }

    public static EngineOptions Options => TinyOptions.Create() with { GarbageAgeMin = TimeSpan.Zero };

    /// <summary>Short keys of few letters: prefixes of each other, and of shards.</summary>
    public static string RandomKey(Random random)
    {
        var key = new StringBuilder();
        for (var left = random.Next(1, 7); left > 0; left--)
        {
            key.Append(Letters[random.Next(Letters.Length)]);
        }

        return key.ToString();
    }

    public async Task PutAsync(ITrieStore store, string key, string value, Durability? durability = null)
    {
        await store.PutAsync(Bytes(key), Bytes(value), new WriteOptions { Durability = durability });
        Model[key] = value;
    }

    public async Task DeletePrefixAsync(ITrieStore store, string prefix)
    {
        await store.DeleteRangeAsync(KeyRange.Prefix(Bytes(prefix)));
        foreach (var key in Model.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).ToList())
        {
            Model.Remove(key);
        }
    }

    /// <summary>Everything by one scan, by pages up and down, by gets and by a count.</summary>
    public async Task CheckAsync(TrieStore store, string when)
    {
        Same(await ReadAsync(store, reverse: false), $"{when}, upwards", store);
        Same(await ReadAsync(store, reverse: true), $"{when}, downwards", store);
        foreach (var (key, value) in Model)
        {
            var found = await store.GetAsync(Bytes(key));
            Assert.True(found is { } entry && Text(entry.Value) == value, $"{when}: {key} is not {value}");
        }

        Assert.Equal(Model.Count, await store.CountAsync(KeyRange.All));
        foreach (var prefix in new[] { "a", "ab", "c", "cab" })
        {
            Assert.Equal(
                Model.Keys.Count(key => key.StartsWith(prefix, StringComparison.Ordinal)),
                await store.CountAsync(KeyRange.Prefix(Bytes(prefix))));
        }

        CheckMap(store, when);
    }

    private void Same(SortedDictionary<string, string> found, string when, TrieStore store) => Assert.True(
        Model.SequenceEqual(found),
        $"{when}: missing {string.Join(' ', Model.Except(found))}; too many {string.Join(' ', found.Except(Model))};\n"
        + string.Join('\n', store.Shards.Open.Select(Describe)));

    private static string Describe(Shard shard)
    {
        var tables = shard.Describe().Tables.Levels.SelectMany(static (level, i) => level.Select(t =>
            $"L{i} {t.Info.Id.ObjectName} [{Text(t.Info.Smallest)}, {Text(t.Info.Largest)}"
            + (t.Info.LargestExclusive ? ")" : "]") + (t.Info.IsCut ? " cut" : "")));
        return $"shard {shard.Id} \"{Text(shard.Prefix)}\": {string.Join("; ", tables)}";
    }

    public static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.ASCII.GetString(bytes.Span);

    /// <summary>What each open shard says of itself is what the map says.</summary>
    private static void CheckMap(TrieStore store, string when)
    {
        foreach (var shard in store.Shards.Open)
        {
            var entry = store.Shards.Map.Get(shard.Id);
            Assert.True(entry.Prefix.Span.SequenceEqual(shard.Prefix), $"{when}: shard {shard.Id} has another prefix");
            Assert.Equal(
                store.Shards.Map.Children(shard.Id).Select(static child => child.Shard),
                shard.Carved.Select(static child => child.Shard));
        }

        Assert.Contains(store.Shards.Map.Entries, static entry => entry.Shard == ShardMap.Root);
    }

    private static async Task<SortedDictionary<string, string>> ReadAsync(TrieStore store, bool reverse)
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        string? cursor = null;
        string? last = null;
        do
        {
            var page = await store.ScanAsync(new ScanRequest { Limit = 37, Cursor = cursor, Reverse = reverse });
            foreach (var entry in page.Entries)
            {
                var key = Text(entry.Key);
                Assert.True(
                    last is null || (string.CompareOrdinal(last, key) < 0) != reverse, $"{key} follows {last}");
                last = key;
                found.Add(key, Text(entry.Entry.Value));
            }

            cursor = page.Cursor;
        }
        while (cursor is not null);
        return found;
    }
}
