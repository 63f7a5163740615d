using Dmt.Cli.Bench;

namespace Dmt.Cli.Tests.Bench;

public sealed class InsertCounterTests
{
    [Fact]
    public void What_is_still_on_its_way_holds_back_what_came_after_it()
    {
        var counter = new InsertCounter(10);
        Assert.Equal((10, 11, 12), (counter.Take(), counter.Take(), counter.Take()));

        counter.Inserted(11);
        counter.Inserted(12);
        Assert.Equal(10, counter.Present);

        counter.Inserted(10);
        Assert.Equal(13, counter.Present);
    }

    [Fact]
    public async Task Concurrent_inserters_leave_no_hole()
    {
        var counter = new InsertCounter(0);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                counter.Inserted(counter.Take());
            }
        })));

        Assert.Equal(80_000, counter.Present);
    }
}
