using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Tests.Shards;

public sealed class TrieStoreTests
{
    [Fact]
    public async Task What_was_put_is_there_after_flush_compaction_and_reopening()
    {
        using var folder = new TemporaryDirectory();
        await using (var store = await TrieStore.OpenAsync(folder.Path))
        {
            for (var i = 0; i < 10_000; i++)
            {
                await store.PutAsync($"key{i:D6}", $"value{i}");
                if (i % 2000 == 1999)
                {
                    await store.FlushAsync();
                }
            }

            await store.DeleteRangeAsync(KeyRange.Prefix("key001"u8.ToArray()));
            Assert.Null(await store.GetTextAsync("key001500"));
            Assert.Equal("value2500", await store.GetTextAsync("key002500"));
            Assert.Equal(9000, await store.CountAsync(KeyRange.All));
            await store.CompactAsync();
            Assert.Equal(9000, await store.CountAsync(KeyRange.All));
        }

        await using (var store = await TrieStore.OpenAsync(folder.Path))
        {
            Assert.Equal(9000, await store.CountAsync(KeyRange.All));
            Assert.Null(await store.GetTextAsync("key001500"));
            for (var i = 0; i < 10_000; i += 7)
            {
                Assert.Equal(i / 1000 == 1 ? null : $"value{i}", await store.GetTextAsync($"key{i:D6}"));
            }

            var page = await store.ScanAsync(new ScanRequest { Reverse = true, Limit = 3 });
            Assert.Equal(
                ["key009999", "key009998", "key009997"], page.Entries.Select(e => Encoding.UTF8.GetString(e.Key.Span)));
        }
    }
}
