using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Keyspaces;
using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Keyspaces;

/// <summary>A store with keyspaces, and the sorted list that every search must agree with.</summary>
internal sealed class KeyspaceWorld
{
    private static readonly string[] Parts = ["a", "b", "c", "ab", "a/", ""];

    public static readonly Keyspace Paths = Keyspace.Separated("paths", "s/", "/", 3);
    public static readonly Keyspace Pairs = Keyspace.FixedWidths("pairs", "w:"u8, 1, 2);

    /// <summary>What a key holds, and when it ceases to exist.</summary>
    public SortedDictionary<string, (string Value, DateTimeOffset? ExpiresAt)> Model { get; } =
        new(StringComparer.Ordinal);

    public ShiftedTime Time { get; } = new();

    public IReadOnlyList<Keyspace> Declared { get; set; } = [Paths, Pairs];

    public async ValueTask<TrieStore> OpenAsync(
        IObjectStore objects, Func<EngineOptions, EngineOptions>? change = null, TimeSpan? closeTimeout = null)
    {
        var options = TinyOptions.Create() with { GarbageAgeMin = TimeSpan.Zero, Keyspaces = Declared };
        var logOptions = new ObjectLogOptions { CloseTimeout = closeTimeout ?? TimeSpan.FromSeconds(1) };
        return await TrieStore.OpenAsync(
            objects,
            new ObjectLogStore(objects, logOptions, Time, EngineScheduler.ThreadPool),
            change?.Invoke(options) ?? options,
            Time,
            EngineScheduler.ThreadPool,
            null,
            default);
    }

    /// <summary>Keys of both keyspaces, keys that only look like them, and others.</summary>
    public static string RandomKey(Random random) => random.Next(12) switch
    {
        < 8 => $"s/{Part(random)}/{Part(random)}/{Part(random)}",
        < 9 => $"s/{Part(random)}/{Part(random)}",
        < 11 => $"w:{"abc"[random.Next(3)]}{"xy"[random.Next(2)]}{"xyz"[random.Next(3)]}",
        _ => $"t/{Part(random)}",
    };

    public async Task PutAsync(
        ITrieStore store, string key, string value, TimeSpan? timeToLive = null, Durability? durability = null)
    {
        await store.PutAsync(
            Bytes(key), Bytes(value), new WriteOptions { TimeToLive = timeToLive, Durability = durability });
        Model[key] = (value, Time.GetUtcNow() + timeToLive);
    }

    public async Task DeletePrefixAsync(ITrieStore store, string prefix, Durability? durability = null)
    {
        await store.DeleteRangeAsync(KeyRange.Prefix(Bytes(prefix)), new WriteOptions { Durability = durability });
        foreach (var key in Model.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).ToList())
        {
            Model.Remove(key);
        }
    }

    /// <summary>A crash may have lost what was not strict: then the store says what is.</summary>
    public async Task AdoptAsync(TrieStore store)
    {
        Model.Clear();
        await foreach (var (key, entry) in store.EnumerateAsync(new ScanRequest()))
        {
            Model[Text(key)] = (Text(entry.Value), entry.ExpiresAt);
        }
    }

    /// <summary>Every set of segments of some keys, and the copies one by one.</summary>
    public async Task CheckAsync(TrieStore store, Random random, string when)
    {
        var now = Time.GetUtcNow();
        var alive = Model.Where(one => !(one.Value.ExpiresAt <= now)).Select(static one => one.Key).ToList();
        Assert.Equal(alive.Count, await store.CountAsync(KeyRange.All));
        foreach (var keyspace in Declared)
        {
            var keys = new PermutedKeys(keyspace);
            var found = alive.Where(key => KeyspaceCopies.Has(keys, Bytes(key), out _)).ToList();
            for (var i = 0; i < 4; i++)
            {
                var example = found.Count > 0 ? found[random.Next(found.Count)] : null;
                for (var subset = 0; subset < 1 << keyspace.Segments; subset++)
                {
                    var text = PatternOf(keyspace, example, subset, random);
                    var pattern = SegmentPattern.Parse(keyspace, text);
                    var expected = found.Where(key => pattern.Matches(Bytes(key))).ToList();
                    var result = await SearchAsync(store, keyspace.Name, text, random.Next(1, 20));
                    Same(expected, result, $"{when}: {text}");
                }
            }

            await CheckCopiesAsync(store, keyspace, found, when);
        }
    }

    public static async Task<List<string>> SearchAsync(
        IKeyspaceSearch store, string keyspace, string pattern, int limit, bool isStrong = true)
    {
        var found = new List<string>();
        var request =
            new MatchRequest { Pattern = pattern, Keyspace = keyspace, Limit = limit, IsStrong = isStrong };
        do
        {
            var page = await store.MatchAsync(request);
            Assert.True(page.Results.Count <= limit);
            found.AddRange(page.Results.Select(static one => Text(one.Key)));
            request = request with { Cursor = page.Cursor };
        }
        while (request.Cursor is not null);
        return found;
    }

    public static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    public static string Text(ReadOnlyMemory<byte> bytes) => Encoding.ASCII.GetString(bytes.Span);

    /// <summary>All copies that lie in the store are those that there must be.</summary>
    private static async Task CheckCopiesAsync(
        TrieStore store, Keyspace keyspace, List<string> keys, string when)
    {
        var copies = store.Host.Feed!.Find(keyspace.Name);
        var expected = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var key in keys)
        {
            var batch = new WriteBatch();
            copies.Put(batch, Bytes(key), null);
            foreach (var operation in batch)
            {
                expected.Add(Convert.ToHexString(operation.Key));
            }
        }

        Assert.Equal(keys.Count * copies.Keys.Count, expected.Count);
        var found = new List<string>();
        using var scan = new Scan(store.Shards, CopyKeys.OfGeneration(copies.Generation), reverse: false, null);
        while (await scan.MoveNextAsync())
        {
            found.Add(Convert.ToHexString(scan.Key));
        }

        Same([.. expected], found, $"{when}: copies of {keyspace.Name}");
    }

    private static void Same(List<string> expected, List<string> found, string what)
    {
        found.Sort(StringComparer.Ordinal);
        Assert.True(
            expected.SequenceEqual(found),
            $"{what}: missing {string.Join(' ', expected.Except(found))}; too many "
            + $"{string.Join(' ', found.Except(expected))}; {expected.Count} expected, {found.Count} found");
    }

    /// <summary>A pattern whose fixed segments are those of a key, or any.</summary>
    private static string PatternOf(Keyspace keyspace, string? example, int subset, Random random)
    {
        var segments = new string[keyspace.Segments];
        var rest = (example ?? (keyspace == Paths ? "s/a/b/c" : "w:axy"))[keyspace.Prefix.Length..];
        var cut = keyspace.Schema.Cut(Bytes(rest));
        for (var i = 0; i < segments.Length; i++)
        {
            var bytes = random.Next(10) == 0 && keyspace == Paths ? Bytes("b") : cut[i];
            segments[i] = (subset & (1 << i)) != 0 ? Text(bytes) : "*";
        }

        return string.Join('/', segments);
    }

    private static string Part(Random random) => Parts[random.Next(random.Next(4) == 0 ? Parts.Length : 4)];
}
