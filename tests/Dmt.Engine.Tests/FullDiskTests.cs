using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Tests.Log;

namespace Dmt.Engine.Tests;

/// <summary>The log and the directory store on a disk that is really full.</summary>
public sealed class FullDiskTests
{
    private const string Incarnation = "01A";

    [Fact]
    [Trait("Needs", "small-disk")]
    public async Task A_log_on_a_full_disk_keeps_what_it_took_and_recovers_when_there_is_room()
    {
        using var disk = new SmallDisk(4 << 20);
        var time = new ManualTime();
        var log = FileLog.Create(disk.Path, Incarnation, new FileLogOptions { SegmentBytes = 512 << 10 }, time);
        var hog = disk.FillUp(1 << 20);
        var random = new Random(1);
        List<Log.Record> accepted = [];
        var (refused, until) = (0, 5);
        while (accepted.Count < 3000)
        {
            try
            {
                accepted.Add(LogFixture.Append(log, random, random.Next(500, 3000)));
            }
            catch (DmtException e)
            {
                Assert.Equal(DmtErrorKind.Unavailable, e.Kind);
                Assert.StartsWith(
                    $"the disk of {Path.Combine(disk.Path, Incarnation)} is full", e.Message, StringComparison.Ordinal);
                if (++refused == until)
                {
                    break;
                }

                time.Advance(TimeSpan.FromMilliseconds(100));
            }
        }

        Assert.Equal(until, refused);
        await log.WaitDurableAsync(log.End);
        Assert.Equal(accepted, Replay(disk));
        File.Delete(hog);
        time.Advance(TimeSpan.FromMilliseconds(100));
        for (var i = 0; i < 300; i++)
        {
            accepted.Add(LogFixture.Append(log, random, random.Next(500, 3000)));
        }

        Assert.Null(log.RefusedBecause);
        await log.DisposeAsync();
        Assert.Equal(accepted, Replay(disk));
    }

    [Fact]
    [Trait("Needs", "small-disk")]
    public async Task A_directory_store_on_a_full_disk_says_so_leaves_nothing_and_reads_on()
    {
        using var disk = new SmallDisk(2 << 20);
        var root = Path.Combine(disk.Path, "store");
        await using var store = new DirectoryObjectStore(root, TimeProvider.System);
        await store.PutAsync("kept", new byte[1000]);
        var hog = disk.FillUp(100_000);
        foreach (var attempt in new Func<Task>[]
        {
            async () => await store.PutAsync("big", new byte[200_000]),
            async () => await store.TryCreateAsync("big", new byte[200_000]),
            async () => await WriteAsync(store),
        })
        {
            var error = await Assert.ThrowsAsync<DmtException>(attempt);
            Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
            Assert.Equal($"the disk of {root} is full", error.Message);
            Assert.Empty(Directory.EnumerateFiles(Path.Combine(root, ".tmp")));
            Assert.Null(await store.GetAsync("big"));
            Assert.Equal(1000, (await store.GetAsync("kept"))!.Length);
        }

        File.Delete(hog);
        Assert.True(await store.TryCreateAsync("big", new byte[200_000]));
    }

    private static async Task WriteAsync(DirectoryObjectStore store)
    {
        await using var writer = store.OpenWrite("big");
        for (var i = 0; i < 20; i++)
        {
            await writer.WriteAsync(new byte[10_000]);
        }

        await writer.CompleteAsync();
    }

    private static List<Log.Record> Replay(SmallDisk disk)
    {
        List<Log.Record> records = [];
        FileLog.Replay(disk.Path, Incarnation, 0, (in LogRecord r) => records.Add(
            new Log.Record(r.Shard, r.Epoch, r.FirstSeq, r.Count, r.Operations.ToArray(), r.Position)));
        return records;
    }
}
