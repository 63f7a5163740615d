namespace Dmt.Engine.Tests.Log;

/// <summary>The log's background work against its appends.</summary>
public sealed class FileLogRaceTests
{
    /// <summary>Each record fills a segment, so that every append meets the background making the next one.</summary>
    [Fact]
    public async Task Switching_segments_while_the_next_is_made_loses_nothing()
    {
        using var fixture = new LogFixture();
        var random = new Random(1);
        List<Record> written = [];
        await using (var log = fixture.Create(LogFixture.SmallSegments, TimeProvider.System))
        {
            for (var i = 0; i < 1500; i++)
            {
                written.Add(LogFixture.Append(log, random, random.Next(20_000, 60_000)));
            }
        }

        Assert.Equal(written, fixture.Replay().Records);
    }
}
