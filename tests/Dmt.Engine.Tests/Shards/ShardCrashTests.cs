using System.Text;
using Dmt.Core;
using Dmt.Core.Sharding;

namespace Dmt.Engine.Tests.Shards;

/// <summary>A folder as a crash leaves it: copied while the store is open.</summary>
public sealed class ShardCrashTests
{
    private static readonly WriteOptions Strict = new() { Durability = Durability.Strict };

    [Fact]
    public async Task Shards_without_a_record_in_the_log_open_after_a_crash_and_after_the_next()
    {
        using var folder = new TemporaryDirectory();
        using var crashed = new TemporaryDirectory();
        await using (var store = await TrieStore.OpenAsync(folder.Path))
        {
            await store.PutAsync(Bytes("b1"), Bytes("1"), Strict);
            await store.SplitShardAsync([Bytes("a"), Bytes("b")]);
            await store.PutAsync(Bytes("a1"), Bytes("2"), Strict);
            CopyFiles(folder.Path, crashed.Path);
        }

        for (var i = 0; i < 2; i++)
        {
            await using var store = await TrieStore.OpenAsync(crashed.Path);

            // With that the shards that are open need the log no more.
            await store.FlushAsync();
            Assert.Equal("1", await store.GetTextAsync("b1"));
            Assert.Equal("2", await store.GetTextAsync("a1"));
        }
    }

    [Theory]
    [InlineData("a")]
    [InlineData("a", "ab")]
    public async Task Writes_to_a_shard_that_did_not_come_into_the_map_survive_a_crash(params string[] prefixes)
    {
        using var folder = new TemporaryDirectory();
        using var crashed = new TemporaryDirectory();
        await using (var store = await TrieStore.OpenAsync(folder.Path))
        {
            foreach (var prefix in prefixes)
            {
                await store.SplitShardAsync([Bytes(prefix)]);
            }

            await store.PutAsync(Bytes("ab1"), Bytes("1"), Strict);
            CopyFiles(folder.Path, crashed.Path);
        }

        File.Delete(Directory.EnumerateFiles(Path.Combine(crashed.Path, ShardMap.Folder)).Max()!);
        await using var again = await TrieStore.OpenAsync(crashed.Path);
        Assert.Equal(prefixes.Length + 1, again.Shards.Map.Count);
        Assert.Equal("1", await again.GetTextAsync("ab1"));
    }

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    private static void CopyFiles(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories)
            .Where(static file => Path.GetFileName(file) != "LOCK"))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
