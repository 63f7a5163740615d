using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Tests.Torture;

namespace Dmt.Engine.Tests;

/// <summary>A whole store on a disk that is really full: no write is half taken, none that was taken is lost.</summary>
[Trait("Needs", "small-disk")]
public sealed class FullDiskStoreTests : IDisposable
{
    private const int DiskBytes = 24 << 20;
    private const int RoomBytes = 5 << 20;
    private const int RefusalsWanted = 300;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60); // a hang must fail the test, not the run

    private static readonly EngineOptions Options =
        TinyOptions.Create() with { MemtableBytes = 256 << 10, TableBytes = 128 << 10, LogSegmentBytes = 256 << 10 };

    private readonly SmallDisk _disk = new(DiskBytes);
    private readonly SortedDictionary<string, byte[]> _acknowledged = new(StringComparer.Ordinal);
    private readonly Random _random = new(20);

    private string Folder => Path.Combine(_disk.Path, "store");

    public void Dispose() => _disk.Dispose();

    [Fact]
    public async Task A_full_disk_refuses_writes_serves_reads_and_recovers_by_itself_when_there_is_room()
    {
        await using (var store = await TrieStore.OpenAsync(Folder, Options))
        {
            var hog = _disk.FillUp(RoomBytes);
            var refused = 0;
            for (var round = 0; round < 3; round++)
            {
                await FillAsync(store);
                var rest = LeaveNoRoom();
                refused += await IsRefusedAsync(() => store.FlushAsync()) ? 1 : 0;
                refused += await IsRefusedAsync(() => store.CompactAsync()) ? 1 : 0;
                await SameAsync(store);
                File.Delete(hog);
                File.Delete(rest);
                await RecoverAsync(store);
                await SameAsync(store);
                hog = LeaveNoRoom("hog", RoomBytes / 10);
            }

            Assert.True(refused > 0, "the disk was never so full that a flush or a compaction failed");
            File.Delete(hog);
        }

        await using var reopened = await TrieStore.OpenAsync(Folder, Options);
        await SameAsync(reopened);
    }

    [Fact]
    public async Task A_store_closed_on_a_full_disk_has_everything_when_it_opens_again()
    {
        var store = await TrieStore.OpenAsync(Folder, Options);
        var hog = _disk.FillUp(RoomBytes);
        await FillAsync(store);
        LeaveNoRoom();
        await store.DisposeAsync();
        for (var attempt = 0; attempt < 3; attempt++)
        {
            try
            {
                await using var full = await TrieStore.OpenAsync(Folder, Options);
                await SameAsync(full);
            }
            catch (DmtException e)
            {
                AssertNamesTheDisk(e);
            }

            LeaveNoRoom();
        }

        File.Delete(hog);
        await using var reopened = await TrieStore.OpenAsync(Folder, Options);
        await SameAsync(reopened);
        await RecoverAsync(reopened);
        await SameAsync(reopened);
    }

    [Fact]
    public async Task A_crash_on_a_full_disk_loses_nothing_that_was_synced()
    {
        using var elsewhere = new TemporaryDirectory();
        await using var store = await TrieStore.OpenAsync(Folder, Options);
        _disk.FillUp(RoomBytes);
        await FillAsync(store);
        LeaveNoRoom();
        await store.SyncAsync().AsTask().WaitAsync(Patience);
        var crashed = Path.Combine(elsewhere.Path, "crashed");
        StoreFolder.CopyTo(Folder, crashed);
        await using var recovered = await TrieStore.OpenAsync(crashed, Options);
        await SameAsync(recovered);
    }

    /// <summary>
    /// Writes until writes have been refused often: at first, what a failed compaction gives back is used up.
    /// </summary>
    private async Task FillAsync(TrieStore store)
    {
        using var patience = new CancellationTokenSource(Patience);
        for (var refused = 0; refused < RefusalsWanted;)
        {
            patience.Token.ThrowIfCancellationRequested();
            if (!await TryWriteAsync(store))
            {
                refused++;
                await Task.Yield();
            }
        }

        Assert.True(_acknowledged.Count > 300, $"only {_acknowledged.Count} keys were taken");
    }

    /// <summary>Writes as much as several memtables, which goes on only when flushes do too.</summary>
    private async Task RecoverAsync(TrieStore store)
    {
        using var patience = new CancellationTokenSource(Patience);
        for (var taken = 0; taken < 500;)
        {
            patience.Token.ThrowIfCancellationRequested();
            if (await TryWriteAsync(store))
            {
                taken++;
            }
            else
            {
                await Task.Yield();
            }
        }

        await store.FlushAsync();
        while ((await store.StatAsync()) is { } stat && (stat.WritesRefused ?? stat.BackgroundProblem) is { } problem)
        {
            Assert.False(patience.IsCancellationRequested, problem);
            await Task.Yield();
        }
    }

    private async Task<bool> TryWriteAsync(TrieStore store)
    {
        var key = $"key{_random.Next(2000):D6}";
        var value = new byte[_random.Next(1, 4000)];
        _random.NextBytes(value);
        Durability? durability = _random.Next(20) == 0 ? Durability.Strict : null;
        try
        {
            if (_random.Next(10) == 0)
            {
                await store.DeleteAsync(Encoding.UTF8.GetBytes(key), new() { Durability = durability });
                _acknowledged.Remove(key);
            }
            else
            {
                await store.PutAsync(Encoding.UTF8.GetBytes(key), value, new() { Durability = durability });
                _acknowledged[key] = value;
            }

            return true;
        }
        catch (DmtException e)
        {
            AssertNamesTheDisk(e);
            return false;
        }
    }

    private async Task<bool> IsRefusedAsync(Func<ValueTask> work)
    {
        try
        {
            await work();
            return false;
        }
        catch (DmtException e)
        {
            AssertNamesTheDisk(e);
            return true;
        }
    }

    private void AssertNamesTheDisk(DmtException error)
    {
        Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
        Assert.StartsWith($"the disk of {Folder}", error.Message, StringComparison.Ordinal);
        Assert.Contains(" is full", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Takes the last page, while the store may be taking pages too; then gives some back.</summary>
    private string LeaveNoRoom(string name = "rest", int givenBack = 0)
    {
        var path = Path.Combine(_disk.Path, name);
        using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true)
            {
                file.Write(new byte[4096]);
            }
        }
        catch (IOException)
        {
            // Full now, as wanted.
            file.SetLength(file.Length - givenBack);
        }

        return path;
    }

    private async Task SameAsync(TrieStore store)
    {
        using var rows = _acknowledged.GetEnumerator();
        using (var scan = store.OpenScan(KeyRange.All))
        {
            while (await scan.MoveNextAsync())
            {
                Assert.True(rows.MoveNext(), "the store has more than was acknowledged");
                Assert.Equal(rows.Current.Key, Encoding.UTF8.GetString(scan.Key));
                Assert.True(scan.Value.SequenceEqual(rows.Current.Value), $"{rows.Current.Key} has another value");
            }
        }

        Assert.False(rows.MoveNext(), "the store has less than was acknowledged");
        for (var i = 0; i < 2000; i += 7)
        {
            var key = $"key{i:D6}";
            var found = await store.GetAsync(Encoding.UTF8.GetBytes(key));
            Assert.Equal(_acknowledged.GetValueOrDefault(key), found?.Value.ToArray());
        }
    }
}
