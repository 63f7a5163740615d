using Dmt.Core;
using Dmt.Engine.Tests.Garbage;

namespace Dmt.Engine.Tests.Shards;

public sealed class LogLengthTests
{
    private const int WritesMax = 30_000;

    /// <summary>
    /// A lone strict writer makes an object of each write: its memtable would take days to fill, and a successor
    /// would read hundreds of thousands of them.
    /// </summary>
    [Fact]
    public async Task What_a_successor_must_read_is_bounded_in_objects_however_little_they_hold()
    {
        var fixture = new GarbageFixture();
        await using var store = await fixture.OpenAsync(fixture.Connect(), new EngineOptions());
        for (var i = 0; (await FirstToReplayAsync(fixture)) == 0; i += 1000)
        {
            Assert.True(i < WritesMax, $"after {i} strict writes all of the log is still to be replayed");
            for (var j = 0; j < 1000; j++)
            {
                await store.PutAsync($"{j}", $"{i}", new WriteOptions { Durability = Durability.Strict });
            }
        }
    }

    private static async Task<long> FirstToReplayAsync(GarbageFixture fixture)
    {
        var (_, newest) = await fixture.NeededTablesAsync();
        return newest.LogRanges[^1].From;
    }
}
