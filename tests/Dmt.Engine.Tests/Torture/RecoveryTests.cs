using System.Text;
using Dmt.Core.Keys;

namespace Dmt.Engine.Tests.Torture;

/// <summary>What opening and closing must not lose, and what they must leave behind.</summary>
public sealed class RecoveryTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    /// <summary>A crash while a long log is replayed, after some of it has been flushed: the log is still needed.</summary>
    [Fact]
    public async Task Crash_right_after_recovery_loses_nothing()
    {
        var first = Path.Combine(_directory.Path, "first");
        var crashed = Path.Combine(_directory.Path, "crashed");
        var again = Path.Combine(_directory.Path, "again");
        await using (var store = await TrieStore.OpenAsync(first, TinyOptions.Create() with { MemtableBytes = 4 << 20 }))
        {
            for (var i = 0; i < 2000; i++)
            {
                await store.PutAsync(Key(i), new byte[500]);
            }

            await store.SyncAsync();
            StoreFolder.CopyTo(first, crashed);
        }

        for (var round = 0; round < 5; round++)
        {
            await using var store = await TrieStore.OpenAsync(crashed, TinyOptions.Create());
            Assert.Equal(2000, await store.CountAsync(KeyRange.All));
            StoreFolder.CopyTo(crashed, again);
            await using (var recovered = await TrieStore.OpenAsync(again, TinyOptions.Create()))
            {
                Assert.Equal(2000, await recovered.CountAsync(KeyRange.All));
            }

            Directory.Delete(again, recursive: true);
        }
    }

    private static byte[] Key(int i) => Encoding.UTF8.GetBytes($"key{i:D6}");
}
