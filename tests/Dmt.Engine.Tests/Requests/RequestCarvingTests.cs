using System.Globalization;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Objects;
using Dmt.Engine.Tests.Shards;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Requests;

/// <summary>
/// Many shards that are carved and merged, batches over several of them of which some shards get their part and others
/// do not, until they are sent again. Crashes here lose nothing: see RequestCrashTests for those that do.
/// </summary>
public sealed class RequestCarvingTests
{
    private const int PendingMax = 30;

    private readonly ShardWorld _world = new();
    private readonly List<Sent> _sent = [];
    private ulong _number;
    private int _halves;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task However_shards_change_between_two_attempts_each_operation_is_applied_once(int seed)
    {
        var random = new Random(seed);
        await using var memory = new MemoryObjectStore(TimeProvider.System);
        var objects = new FailingObjectStore(memory);
        var store = await OpenAsync(objects);
        for (var step = 0; step < 600; step++)
        {
            var when = $"seed {seed}, step {step}";
            switch (random.Next(100))
            {
                case < 25:
                    await SendAsync(store, random, step, when);
                    break;
                case < 55 when _sent.Count > 0:
                    await SendAgainAsync(store, _sent[random.Next(_sent.Count)], when);
                    break;
                case < 70:
                    await _world.PutAsync(store, ShardWorld.RandomKey(random), $"{step}");
                    break;
                case < 80:
                    await CarveAsync(store, random);
                    break;
                case < 90:
                    await MergeAsync(store, random);
                    break;
                case < 93:
                    await store.FlushAsync();
                    break;
                case < 95:
                    await store.CompactAsync();
                    break;
                case < 97:
                    await store.DisposeAsync();
                    store = await OpenAsync(objects);
                    break;
                default:
                    await store.SyncAsync();
                    objects.CutOff();
                    await store.DisposeAsync();
                    objects = new FailingObjectStore(memory);
                    store = await OpenAsync(objects);
                    break;
            }

            if (step % 10 == 9)
            {
                await _world.CheckAsync(store, when);
            }
        }

        await store.DisposeAsync();
        Assert.True(_halves > 10, $"{_halves} batches that were applied in part are too few to mean much");
    }

    [Fact]
    public async Task A_range_around_another_shard_is_removed_on_both_sides()
    {
        await using var memory = new MemoryObjectStore(TimeProvider.System);
        await using var store = await ShardWorld.OpenAsync(new FailingObjectStore(memory));
        await store.Shards.CarveAsync([ShardWorld.Bytes("b")], default);
        foreach (var key in (string[])["a", "b", "c"])
        {
            await _world.PutAsync(store, key, "v");
        }

        var options = new WriteOptions { Request = new RequestId(1, 1, 1) };
        var version = await store.DeleteRangeAsync(KeyRange.All, options);
        Assert.Equal(0, await store.CountAsync(KeyRange.All));
        await store.PutAsync("c", "later");
        Assert.Equal(version, await store.DeleteRangeAsync(KeyRange.All, options));
        Assert.Equal(1, await store.CountAsync(KeyRange.All));
    }

    [Fact]
    public async Task A_shard_refuses_a_request_for_keys_that_it_gave_away_whatever_it_knows_of_it()
    {
        await using var memory = new MemoryObjectStore(TimeProvider.System);
        await using var store = await ShardWorld.OpenAsync(new FailingObjectStore(memory));
        var batch = new WriteBatch { Request = new RequestId(1, 1, 1) }.Put("b1"u8, "v"u8);
        var version = await store.WriteAsync(batch);
        var root = store.Shards.Root;
        await store.Shards.CarveAsync([ShardWorld.Bytes("b")], default);
        var error = await Assert.ThrowsAsync<DmtException>(async () => await root.WriteAsync(batch, null, default));
        Assert.Equal(DmtErrorKind.NotOwner, error.Kind);
        Assert.Equal(version, await store.WriteAsync(batch));
    }

    /// <summary>Memtables that hold much: most of what is known of requests is in logs only.</summary>
    private static ValueTask<TrieStore> OpenAsync(FailingObjectStore objects) =>
        ShardWorld.OpenAsync(objects, closeTimeout: TimeSpan.FromMilliseconds(20));

    private async Task SendAsync(TrieStore store, Random random, int step, string when)
    {
        if (_sent.Count == PendingMax)
        {
            await SendAgainAsync(store, _sent[0], when);
            _sent.RemoveAt(0);
        }

        var pendingFrom = _sent.Count == 0 ? _number + 1 : _sent[0].Batch.Request!.Value.Number;
        var batch = new WriteBatch { Request = new RequestId(5, ++_number, pendingFrom) };
        for (var left = random.Next(1, 6); left > 0; left--)
        {
            var key = ShardWorld.Bytes(ShardWorld.RandomKey(random));
            if (random.Next(5) == 0)
            {
                batch.DeleteRange(random.Next(8) == 0 ? KeyRange.All : KeyRange.Prefix(key));
            }
            else
            {
                batch.Put(key, ShardWorld.Bytes(string.Create(CultureInfo.InvariantCulture, $"{step}.{left}")));
            }
        }

        var sent = new Sent(batch);
        _sent.Add(sent);
        var parts = BatchParts.Of(batch, store.Shards.Map);
        foreach (var (shard, part) in parts)
        {
            if (random.Next(2) == 0)
            {
                sent.Left.Add(part);
                continue;
            }

            await (await store.Shards.GetAsync(shard, default)).WriteAsync(part, null, default);
            Apply(part);
        }

        _halves += sent.Left.Count > 0 && sent.Left.Count < parts.Count ? 1 : 0;
        sent.IsNew = sent.Left.Count == parts.Count;
    }

    private async Task SendAgainAsync(TrieStore store, Sent sent, string when)
    {
        var version = await store.WriteAsync(sent.Batch);
        sent.Left.ForEach(Apply);
        sent.Left.Clear();
        Assert.True(
            sent.Version is null || sent.Version == version,
            $"{when}: {sent.Batch.Request} has version {version}, had {sent.Version}");
        sent.Version = version;
        if (sent.IsNew && store.Shards.Map.Count == 1)
        {
            Assert.Equal(store.LastSequence, version);
        }

        sent.IsNew = false;
    }

    private void Apply(WriteBatch part)
    {
        foreach (var operation in part)
        {
            var key = Text(operation.Key);
            if (operation.Kind == WriteOperationKind.Put)
            {
                _world.Model[key] = Text(operation.Value);
                continue;
            }

            var range = new KeyRange(
                operation.Key.ToArray(),
                operation.HasNoEnd ? default(ReadOnlyMemory<byte>?) : operation.Value.ToArray());
            foreach (var gone in _world.Model.Keys.Where(k => range.Contains(ShardWorld.Bytes(k))).ToList())
            {
                _world.Model.Remove(gone);
            }
        }
    }

    private static async Task CarveAsync(TrieStore store, Random random)
    {
        var prefix = ShardWorld.RandomKey(random);
        prefix = prefix[..Math.Min(prefix.Length, 3)];
        if (store.Shards.Map.Find(ShardWorld.Bytes(prefix)).Prefix.Length < prefix.Length)
        {
            await store.Shards.CarveAsync([ShardWorld.Bytes(prefix)], default);
        }
    }

    private static async Task MergeAsync(TrieStore store, Random random)
    {
        var children = store.Shards.Map.Entries.Where(static e => e.Shard != ShardMap.Root).ToList();
        if (children.Count > 0)
        {
            await store.Shards.MergeAsync(children[random.Next(children.Count)].Shard, default);
        }
    }

    private static string Text(ReadOnlySpan<byte> bytes) => System.Text.Encoding.ASCII.GetString(bytes);

    private sealed class Sent(WriteBatch batch)
    {
        public WriteBatch Batch => batch;

        /// <summary>What no shard has applied yet, as it was cut when it was sent the first time.</summary>
        public List<WriteBatch> Left { get; } = [];

        public bool IsNew { get; set; }

        public ulong? Version { get; set; }
    }
}
