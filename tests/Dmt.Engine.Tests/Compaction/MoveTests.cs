using System.Text;
using Dmt.Core.Keys;
using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;
using Dmt.Engine.Shards;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests.Compaction;

/// <summary>Tables that overlap nothing are renamed to the next level, not rewritten.</summary>
public sealed class MoveTests
{
    private const int Keys = 20_000;
    private const int ValueBytes = 100;

    [Fact]
    public async Task Keys_in_order_are_written_to_tables_once_whatever_is_compacted()
    {
        var (written, kept, levelMax) = await FillAsync(static i => i);
        Assert.True(levelMax > 0, "nothing was compacted");
        Assert.True(written == kept, $"{written} bytes were written to tables for {kept} that are there");
    }

    [Fact]
    public async Task Keys_out_of_order_are_merged()
    {
        var (written, kept, _) = await FillAsync(static i => (int)((i * 7919L) % Keys));
        Assert.True(written > kept * 3 / 2, $"only {written} bytes were written to tables for {kept} that are there");
    }

    [Fact]
    public async Task Tombstones_are_not_moved_to_the_bottom_but_dropped_there()
    {
        using var folder = new TemporaryDirectory();
        await using var store = await TrieStore.OpenAsync(folder.Path, TinyOptions.Create());
        for (var i = 0; i < 100; i++)
        {
            await store.DeleteAsync(Key(i));
        }

        await store.DeleteRangeAsync(KeyRange.Prefix("x"u8.ToArray()));
        await store.FlushAsync();
        Assert.Single((await store.StatAsync()).Levels);
        await store.CompactAsync();
        Assert.Empty((await store.StatAsync()).Levels);
    }

    /// <summary>Writes all keys, and does what compactions are due, beside the background or after it.</summary>
    /// <returns>Bytes written to tables, bytes of tables in the end, and the deepest level that has any.</returns>
    private static async Task<(long Written, long Kept, int LevelMax)> FillAsync(Func<int, int> order)
    {
        using var folder = new TemporaryDirectory();
        var objects = new DirectoryObjectStore(folder.Path, TimeProvider.System);
        var log = Path.Combine(folder.Path, "log");
        var logs = new FileLogStore(log, new FileLogOptions(), TimeProvider.System);
        await using var host = ShardHost.Start(
            objects, logs, TinyOptions.Create(), TimeProvider.System, new Random(1), EngineScheduler.ThreadPool);
        var shard = await host.OpenShardAsync(1, null, default);
        for (var i = 0; i < Keys; i++)
        {
            await shard.PutAsync(Key(order(i)), new byte[ValueBytes], default, default);
        }

        await shard.FlushAsync(default);
        while (await shard.CompactOnceAsync(default))
        {
        }

        var levels = shard.Describe().Tables.Levels;
        Assert.Equal(Keys, levels.Sum(static level => level.Sum(static table => table.Info.Entries)));
        return (
            host.Metrics.TableBytesWritten,
            levels.Sum(static level => level.Sum(static table => table.Info.Length)),
            Array.FindLastIndex(levels, static level => level.Length > 0));
    }

    private static byte[] Key(int i) => Encoding.ASCII.GetBytes($"key{i:D8}");
}
