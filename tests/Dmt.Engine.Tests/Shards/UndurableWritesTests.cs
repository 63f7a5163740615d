using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Objects;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Shards;

/// <summary>What may be lost with a shard's owner is not shown by it.</summary>
public sealed class UndurableWritesTests
{
    private static readonly WriteOptions Strict = new() { Durability = Durability.Strict };

    [Fact]
    public async Task Who_reads_a_key_waits_for_the_strict_write_of_it_and_nobody_else_does()
    {
        var upload = new TaskCompletionSource();
        var held = false;
        await using var bucket = new MemoryObjectStore(TimeProvider.System);
        var line = new FailingObjectStore(bucket.OpenSibling("store"))
        {
            BeforeCreate = name =>
                held && name.StartsWith("log/", StringComparison.Ordinal) ? upload.Task : Task.CompletedTask,
        };
        await using var node = await ShardNode.StartAsync(line);
        var shard = (await node.OpenAsync(1)).Shard!;
        await shard.PutAsync("a"u8.ToArray(), "1"u8.ToArray(), Strict);
        await shard.PutAsync("b"u8.ToArray(), "1"u8.ToArray(), Strict);

        held = true;
        var writing = shard.PutAsync("a"u8.ToArray(), "2"u8.ToArray(), Strict).AsTask();
        var reading = shard.GetAsync("a"u8.ToArray()).AsTask();
        var scanning = shard.ScanAsync(new ScanRequest()).AsTask();
        var counting = shard.CountAsync(KeyRange.All).AsTask();
        var absent = Strict with { Condition = WriteCondition.Absent };
        var refused = shard.PutAsync("a"u8.ToArray(), "3"u8.ToArray(), absent).AsTask();
        Assert.Equal("1"u8.ToArray(), (await shard.GetAsync("b"u8.ToArray()))!.Value.Value.ToArray());
        Assert.False(writing.IsCompleted || reading.IsCompleted || scanning.IsCompleted || counting.IsCompleted);
        Assert.False(refused.IsCompleted);

        upload.SetResult();
        await writing;
        Assert.Equal("2"u8.ToArray(), (await reading)!.Value.Value.ToArray());
        Assert.Equal(2, (await scanning).Entries.Count);
        Assert.Equal(2, await counting);
        Assert.Equal(DmtErrorKind.Conflict, (await Assert.ThrowsAsync<DmtException>(() => refused)).Kind);
    }
}
