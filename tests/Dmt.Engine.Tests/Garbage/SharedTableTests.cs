using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;
using Dmt.Engine.Objects;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Garbage;

/// <summary>
/// Two shards on two nodes have a table in common. One has done without it for long: the other's newest manifest alone
/// keeps it.
/// </summary>
public sealed class SharedTableTests : IAsyncLifetime, IAsyncDisposable
{
    private const uint Part = 2;

    private readonly MemoryObjectStore _bucket = new(TimeProvider.System);
    private ShardNode _a = null!;
    private ShardNode _b = null!;
    private FailingObjectStore _failing = null!; // b's way to the bucket
    private HostedShard _part = null!;

    public async Task InitializeAsync()
    {
        _a = await ShardNode.StartAsync(_bucket.OpenSibling("store")!);
        _failing = new FailingObjectStore(_bucket.OpenSibling("store")!);
        _b = await ShardNode.StartAsync(_failing);
        var root = await OpenAsync(_a, ShardMap.Root);
        await PutAsync(root, "a/1", "one");
        await PutAsync(root, "b", "two");
        await root.CarveAsync([Bytes("a/")]);

        // Of an earlier epoch: those of the present one are not looked at.
        root = await OpenAsync(_a, ShardMap.Root);
        await PutAsync(root, "b", "three");
        await CompactAsync(_a, ShardMap.Root);
        _part = await OpenAsync(_b, Part);
        await PutAsync(_part, "a/1", "four");
        await PutAsync(_part, "a/2", "five");
        await SweepAsync();
        Assert.Equal("four", await GetAsync(_part, "a/1"));
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
        await _bucket.DisposeAsync();
    }

    [Fact]
    public async Task A_compaction_whose_reply_was_lost_is_not_undone_when_another_node_has_gone_by_it()
    {
        var lost = 0;
        _failing.LosesReply = async name =>
        {
            if (!name.StartsWith("shards/2/manifest/", StringComparison.Ordinal) || lost++ > 0)
            {
                return false;
            }

            await SweepAsync();
            return true;
        };
        try
        {
            await CompactAsync(_b, Part);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
        {
            // Then it is in doubt, and what comes next must not take it for undone.
        }

        await PutAsync(_part, "a/3", "six");
        Assert.True(lost > 1);
        await _part.DisposeAsync();
        var moved = await OpenAsync(_a, Part);
        Assert.Equal("four", await GetAsync(moved, "a/1"));
        Assert.Equal("five", await GetAsync(moved, "a/2"));
        Assert.Equal("six", await GetAsync(moved, "a/3"));
    }

    [Fact]
    public async Task A_read_that_misses_a_table_which_was_replaced_and_deleted_meanwhile_is_no_damage()
    {
        // Opened anew: nothing is in the cache.
        await _part.DisposeAsync();
        _part = await OpenAsync(_b, Part);
        var reading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var deleted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _failing.BeforeRead = async name =>
        {
            if (name.StartsWith("shards/1/tables/", StringComparison.Ordinal) && reading.TrySetResult())
            {
                await deleted.Task;
                Assert.Null(await _failing.GetAsync(name));
                throw DmtException.Corruption(name, 0, "the object is missing"); // as a bucket says it
            }
        };
        var read = _part.ScanAsync(new ScanRequest { Range = KeyRange.Prefix(Bytes("a/")) }).AsTask();
        Assert.Same(reading.Task, await Task.WhenAny(reading.Task, read));
        await CompactAsync(_b, Part);
        await SweepAsync();
        deleted.SetResult();
        var error = await Assert.ThrowsAsync<DmtException>(() => read);
        Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
        Assert.Equal("four", await GetAsync(_part, "a/1"));
    }

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    private static async Task<HostedShard> OpenAsync(ShardNode node, uint shard) =>
        (await node.OpenAsync(shard)).Shard ?? throw new InvalidOperationException($"shard {shard} was merged");

    private static async Task<string?> GetAsync(HostedShard shard, string key) =>
        await shard.GetAsync(Bytes(key)) is { } entry ? Encoding.ASCII.GetString(entry.Value.Span) : null;

    private static async Task PutAsync(HostedShard shard, string key, string value)
    {
        await shard.PutAsync(Bytes(key), Bytes(value));
        await shard.FlushAsync();
    }

    private static async Task CompactAsync(ShardNode node, uint shard) =>
        await node.Host!.Find(shard)!.CompactAsync(CancellationToken.None);

    private async Task SweepAsync() =>
        await _a.Host!.Collector.SweepAsync(dryRun: false, TimeSpan.Zero, CancellationToken.None);
}
