namespace Dmt.Objects.S3.Tests;

public sealed class HedgingTests : FakeS3Test
{
    private S3ObjectStoreOptions Hedging => Server.Options with
    {
        HedgeQuantile = 0.95,
        HedgeDelayMax = TimeSpan.FromMilliseconds(20),
        RetriesMax = 0,
    };

    [Fact]
    public async Task A_slow_read_is_overtaken_by_its_second_request()
    {
        Server.Set("a", [1, 2, 3]);
        var never = NewGate();
        Fail("GET", 1, Fault.Slow(never.Task));
        await using var store = FakeS3.Open(Hedging);
        await using var reader = store.OpenRead("a", 3);
        var buffer = new byte[2];
        await reader.ReadAsync(1, buffer);
        Assert.Equal([2, 3], buffer);
        var totals = store.Requests;
        Assert.Equal((2, 1, 0, 2), (totals.RangedGets, totals.Hedges, totals.Retries, totals.BytesDown));
        never.SetResult();
    }

    [Fact]
    public async Task A_slow_read_that_answers_before_its_second_request_wins()
    {
        Server.Set("a", [1]);
        var (first, never) = (NewGate(), NewGate());
        var gets = 0;
        Server.Script = _ =>
        {
            if (++gets == 2)
            {
                first.SetResult();
            }

            return Fault.Slow(gets == 1 ? first.Task : never.Task);
        };
        await using var store = FakeS3.Open(Hedging);
        Assert.Equal<byte[]?>([1], await store.GetAsync("a"));
        Assert.Equal((2, 1), (store.Requests.Gets, store.Requests.Hedges));
        never.SetResult();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_failure_of_one_request_leaves_it_to_the_other(int failing)
    {
        Server.Set("a", [1]);
        var (first, second) = (NewGate(), NewGate());
        var gets = 0;
        Server.Script = _ =>
        {
            var number = ++gets;
            if (number == 2)
            {
                (failing == 1 ? first : second).SetResult();
            }

            var gate = (number == 1 ? first : second).Task;
            return number == failing
                ? new Fault(500, "InternalError") { Gate = gate }
                : Fault.Slow(gate);
        };
        await using var store = FakeS3.Open(Hedging);
        var get = store.GetAsync("a").AsTask();
        await (failing == 1 ? first : second).Task;
        (failing == 1 ? second : first).SetResult();
        Assert.Equal<byte[]?>([1], await get);
        Assert.Equal(0, store.Requests.Retries);
    }

    [Fact]
    public async Task An_absent_object_is_an_answer()
    {
        var never = NewGate();
        Fail("GET", 1, Fault.Slow(never.Task));
        await using var store = FakeS3.Open(Hedging);
        Assert.Null(await store.GetAsync("a"));
        never.SetResult();
    }

    [Fact]
    public async Task Without_a_free_place_there_is_no_second_request()
    {
        Server.Set("a", [1]);
        var gate = NewGate();
        Server.Script = _ => Fault.Slow(gate.Task);
        await using var store = FakeS3.Open(
            Hedging with { InFlightMax = 1, HedgeDelayMin = TimeSpan.Zero, HedgeDelayMax = TimeSpan.Zero });
        var get = store.GetAsync("a").AsTask();
        while (Server.Seen.Length == 0)
        {
            await Task.Yield();
        }

        gate.SetResult();
        Assert.Equal<byte[]?>([1], await get);
        Assert.Equal((1, 0), (store.Requests.Gets, store.Requests.Hedges));
    }

    [Fact]
    public void The_delay_follows_how_long_reads_take()
    {
        var options = Server.Options with { HedgeQuantile = 0.95, HedgeDelayMax = TimeSpan.FromSeconds(1) };
        var policy = new HedgePolicy(options);
        Assert.Equal(options.HedgeDelayMax, policy.Delay);
        Observe(i => 10 + (i % 100 < 90 ? 0 : 90));
        Assert.Equal(TimeSpan.FromMilliseconds(100), policy.Delay);
        Observe(i => 30 + (i % 100 < 96 ? 0 : 300));
        Assert.Equal(TimeSpan.FromMilliseconds(30), policy.Delay);
        Observe(_ => 0);
        Assert.Equal(options.HedgeDelayMin, policy.Delay);
        Observe(_ => 100_000);
        Assert.Equal(options.HedgeDelayMax, policy.Delay);

        void Observe(Func<int, int> milliseconds)
        {
            for (var i = 0; i < 256; i++)
            {
                policy.Observe(TimeSpan.FromMilliseconds(milliseconds(i)));
            }
        }
    }

    [Fact]
    public void Hedges_stay_under_their_share_of_reads()
    {
        var policy = new HedgePolicy(Server.Options with { HedgeQuantile = 0.95, HedgeShareMax = 0.05 });
        var hedges = 0;
        for (var read = 0; read < 10_000; read++)
        {
            hedges += policy.TryTake() ? 1 : 0;
            policy.Observe(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(hedges, 490, 501);
        for (var read = 0; read < 10_000; read++)
        {
            policy.Observe(TimeSpan.Zero);
        }

        Assert.Equal(10, Enumerable.Range(0, 100).Count(_ => policy.TryTake()));
    }
}
