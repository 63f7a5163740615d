using System.Globalization;
using Dmt.Testing.Linearizability;
using Xunit.Abstractions;

namespace Dmt.Core.Tests.Linearizability;

/// <summary>The checker of histories that tests of a cluster rely on.</summary>
public sealed class LinearizabilityCheckerTests(ITestOutputHelper output)
{
    private const RegisterOutcome Unknown = RegisterOutcome.Unknown;
    private const RegisterOutcome Failed = RegisterOutcome.Failed;

    [Fact]
    public void Calls_that_overlap_may_have_been_in_any_order()
    {
        AssertGood(Put("a", 0, 10), Put("b", 0, 10), Get("a", 20, 30));
        AssertGood(Put("a", 0, 10), Put("b", 0, 10), Get("b", 20, 30));
        AssertGood(Put("a", 0, 100), Get(null, 10, 20), Get("a", 30, 40));
        AssertGood(Put("a", 0, 10), Delete(10, 20), Get("a", 5, 15), Get(null, 12, 30));
    }

    [Fact]
    public void A_stale_read_is_found()
    {
        var report = AssertBad(Put("a", 0, 10), Put("b", 20, 30), Get("a", 40, 50));
        Assert.Contains("> [40 .. 50] client 1: get -> \"a\"", report, StringComparison.Ordinal);
    }

    [Fact]
    public void A_read_that_is_older_than_another_read_is_found() =>
        AssertBad(Put("a", 0, 10), Put("b", 20, 100), Get("b", 30, 40), Get("a", 50, 60));

    [Fact]
    public void A_lost_write_is_found() => AssertBad(Put("a", 0, 10), Get(null, 20, 30));

    [Fact]
    public void A_write_that_comes_back_is_found()
    {
        AssertBad(Put("a", 0, 10), Put("b", 20, 30), Get("b", 40, 50), Get("a", 60, 70));
        AssertBad(Put("a", 0, 10), Delete(20, 30), Get(null, 40, 50), Get("a", 60, 70));
        AssertBad(Put("a", 0, null, Unknown), Get("a", 20, 30), Delete(40, 50), Get(null, 52, 54), Get("a", 60, 70));
    }

    [Fact]
    public void A_read_from_the_future_is_found()
    {
        var report = AssertBad(Get("a", 0, 10), Put("a", 20, 30));
        Assert.Contains("it began later", report, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_that_nobody_wrote_is_found() => AssertBad(Put("a", 0, 10), Get("b", 20, 30));

    [Fact]
    public void A_write_that_failed_must_not_be_seen()
    {
        var report = AssertBad(Put("a", 0, 10, Failed), Get("a", 20, 30));
        Assert.Contains("it had no effect", report, StringComparison.Ordinal);
        AssertGood(Put("a", 0, 10, Failed), Get(null, 20, 30));
        AssertBad(Put("a", 0, 10), Delete(20, 30, Failed), Get(null, 40, 50));
    }

    [Fact]
    public void A_write_of_unknown_outcome_may_be_there_or_not_and_come_late()
    {
        AssertGood(Put("a", 0, 10, Unknown), Get(null, 20, 30));
        AssertGood(Put("a", 0, 10, Unknown), Get("a", 20, 30));
        AssertGood(Put("a", 0, 10, Unknown), Get(null, 20, 30), Put("b", 40, 50), Get("a", 60, 70));
        AssertBad(Get("a", 0, 10), Put("a", 20, null, Unknown));
        AssertGood(Put("a", 0, 10), Delete(20, 30, Unknown), Get("a", 40, 50), Get(null, 60, 70));
        AssertBad(Put("a", 0, 10), Delete(20, 30, Unknown), Get(null, 40, 50), Get("a", 60, 70));
    }

    [Fact]
    public void A_compare_and_set_that_went_through_saw_what_it_expected()
    {
        AssertGood(Put("a", 0, 10), Swap("a", "b", 20, 30), Get("b", 40, 50));
        AssertBad(Put("a", 0, 10), Put("b", 20, 30), Swap("a", "c", 40, 50));
        AssertBad(Put("a", 0, 10), Swap("a", "b", 20, 30), Swap("a", "c", 20, 30));
        AssertGood(Put("a", 0, 10, Unknown), Swap("a", "b", 20, 30, Unknown), Get("b", 40, 50));
        AssertBad(Swap("a", "b", 20, 30, Unknown), Get("b", 40, 50));
    }

    [Fact]
    public void A_compare_and_set_that_was_refused_saw_something_else()
    {
        AssertBad(Put("a", 0, 10), Swap("a", "b", 20, 30, RegisterOutcome.Refused));
        AssertGood(Put("a", 0, 10), Swap(null, "b", 20, 30, RegisterOutcome.Refused));
        AssertGood(
            Put("a", 0, 10), Put("x", 12, 14, Unknown), Swap("a", "b", 20, 30, RegisterOutcome.Refused),
            Put("a", 40, 50), Get("a", 60, 70));
        AssertBad(
            Put("a", 0, 10), Put("x", 12, 14, Unknown), Swap("a", "b", 20, 30, RegisterOutcome.Refused),
            Get("a", 60, 70));
    }

    [Fact]
    public void Calls_that_make_no_sense_are_refused()
    {
        Assert.Throws<ArgumentException>(() => LinearizabilityChecker.Check([Get("a", 10, 5)]));
        Assert.Throws<ArgumentException>(() => LinearizabilityChecker.Check([Put("a", 0, 5, RegisterOutcome.Refused)]));
    }

    [Fact]
    public void It_agrees_with_trying_every_order_of_arbitrary_calls()
    {
        var (good, bad) = (0, 0);
        for (var seed = 0; seed < 30_000; seed++)
        {
            var random = new Random(seed);
            var calls = Enumerable.Range(0, random.Next(1, 7)).Select(_ => DrawCall(random)).ToList();
            Agree(seed, calls, ref good, ref bad);
        }

        Assert.True(good > 3000 && bad > 3000, $"{good} good, {bad} bad");
    }

    [Fact]
    public void It_agrees_with_trying_every_order_of_what_a_register_gave_with_and_without_a_fault()
    {
        var (good, bad) = (0, 0);
        for (var seed = 0; seed < 10_000; seed++)
        {
            var random = new Random(seed);
            var calls = new SimulatedRegister(random, 1, random.Next(1, 5), random.Next(3)).Run(random.Next(3, 8));
            Assert.Null(LinearizabilityChecker.Check(calls).Report);
            Spoil(random, calls);
            Agree(seed, calls, ref good, ref bad);
        }

        Assert.True(good > 1000 && bad > 500, $"{good} good, {bad} bad");
    }

    [Theory]
    [InlineData(300, 64, 100_000)]
    [InlineData(1, 64, 5_000)]
    public void A_long_history_of_many_clients_is_decided(int keys, int clients, int calls)
    {
        var history = new SimulatedRegister(new Random(1), keys, clients, 0).Run(calls);
        var good = LinearizabilityChecker.Check(history);
        Assert.True(good.Verdict == LinearizabilityVerdict.Linearizable, good.Report);
        output.WriteLine($"good: {good}");
        Assert.InRange(good.Operations, calls, calls + clients);

        // Somebody sees at the end what somebody else has seen overwritten.
        var last = history.FindLast(static one => one is { Call: RegisterCall.Get, Value: not null, Outcome: 0 })!;
        var old = history.Find(one => one is { Call: RegisterCall.Put, Outcome: 0 } && one.Key == last.Key
            && one.Value != last.Value)!;
        history[history.IndexOf(last)] = last with { Value = old.Value };
        var bad = LinearizabilityChecker.Check(history);
        Assert.True(bad.Verdict == LinearizabilityVerdict.Violated, bad.Report);
        output.WriteLine($"bad: {bad}");
        Assert.InRange(bad.Report!.Split('\n').Length, 2, 60);
    }

    [Fact]
    public void What_takes_too_long_is_given_up()
    {
        var result = LinearizabilityChecker.Check(
            [Put("a", 0, 10), Put("b", 0, 10), Get("b", 5, 30), Get("a", 5, 30)], statesMax: 1);
        Assert.Equal(LinearizabilityVerdict.Undecided, result.Verdict);
        Assert.Contains("given up after 1 states", result.Report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recorder_takes_down_what_clients_do_at_once()
    {
        var recorder = new HistoryRecorder();
        var store = new Dmt.Testing.ModelTrieStore(TimeProvider.System);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(client => Task.Run(() => WorkAsync(client))));
        recorder.Begin(9, "k0", RegisterCall.Put, "never told");
        var history = recorder.ToHistory();
        Assert.Equal(8001, history.Count);
        var result = LinearizabilityChecker.Check(history);
        Assert.True(result.Verdict == LinearizabilityVerdict.Linearizable, result.Report);
        Assert.Equal(RegisterOutcome.Unknown, history.Single(static one => one.Client == 9).Outcome);

        async Task WorkAsync(int client)
        {
            for (var i = 0; i < 1000; i++)
            {
                var key = string.Create(CultureInfo.InvariantCulture, $"k{i % 3}");
                var bytes = System.Text.Encoding.ASCII.GetBytes(key);
                var value = string.Create(CultureInfo.InvariantCulture, $"{client}-{i}");
                if (i % 2 == 0)
                {
                    var put = recorder.Begin(client, key, RegisterCall.Put, value);
                    await store.PutAsync(bytes, System.Text.Encoding.ASCII.GetBytes(value));
                    put.Ok();
                    continue;
                }

                var get = recorder.Begin(client, key, RegisterCall.Get);
                var entry = await store.GetAsync(bytes);
                get.Ok(entry is { } found ? System.Text.Encoding.ASCII.GetString(found.Value.Span) : null);
            }
        }
    }

    private static RegisterOperation Put(string value, long start, long? end, RegisterOutcome outcome = 0) =>
        new(0, "k", RegisterCall.Put, value, null, start, end ?? long.MaxValue, outcome);

    private static RegisterOperation Get(string? value, long start, long end) =>
        new(1, "k", RegisterCall.Get, value, null, start, end, RegisterOutcome.Ok);

    private static RegisterOperation Delete(long start, long end, RegisterOutcome outcome = 0) =>
        new(2, "k", RegisterCall.Delete, null, null, start, end, outcome);

    private static RegisterOperation Swap(
        string? expected, string value, long start, long end, RegisterOutcome outcome = 0) =>
        new(3, "k", RegisterCall.CompareAndSet, value, expected, start, end, outcome);

    private static void AssertGood(params RegisterOperation[] calls)
    {
        var result = LinearizabilityChecker.Check(calls);
        Assert.True(result.Verdict == LinearizabilityVerdict.Linearizable, result.Report);
        Assert.True(BruteForce.IsLinearizable(calls));
    }

    private static string AssertBad(params RegisterOperation[] calls)
    {
        var result = LinearizabilityChecker.Check(calls);
        Assert.Equal(LinearizabilityVerdict.Violated, result.Verdict);
        Assert.False(BruteForce.IsLinearizable(calls));
        return result.Report!;
    }

    private static void Agree(int seed, List<RegisterOperation> calls, ref int good, ref int bad)
    {
        var expected = BruteForce.IsLinearizable(calls);
        var found = LinearizabilityChecker.Check(calls);
        Assert.True(
            expected == (found.Verdict == LinearizabilityVerdict.Linearizable),
            $"seed {seed}: it should be {expected}; {found}\n{string.Join('\n', calls)}");
        (good, bad) = expected ? (good + 1, bad) : (good, bad + 1);
    }

    private static RegisterOperation DrawCall(Random random)
    {
        var call = (RegisterCall)random.Next(4);
        var start = random.Next(20);
        var outcome = random.Next(6) switch
        {
            0 => Unknown,
            1 => random.Next(2) == 0 ? Failed : RegisterOutcome.Ok,
            2 when call == RegisterCall.CompareAndSet => RegisterOutcome.Refused,
            _ => RegisterOutcome.Ok,
        };
        var value = call == RegisterCall.Delete ? null
            : call == RegisterCall.Get ? DrawValue(random)
            : DrawValue(random) ?? "c";
        return new RegisterOperation(
            0, "k", call, value, DrawValue(random), start, start + random.Next(15), outcome);
    }

    private static string? DrawValue(Random random) => random.Next(4) switch
    {
        0 => null,
        1 => "a",
        2 => "b",
        _ => "c",
    };

    /// <summary>Somebody saw something else, or something was done that was said to have failed, or the reverse.
    /// </summary>
    private static void Spoil(Random random, List<RegisterOperation> calls)
    {
        var at = random.Next(calls.Count);
        calls[at] = random.Next(3) switch
        {
            0 when calls[at].Call != RegisterCall.Delete =>
                calls[at] with { Value = calls[random.Next(calls.Count)].Value },
            1 when calls[at].Call != RegisterCall.Get => calls[at] with { Outcome = Failed },
            _ => calls[at] with { Outcome = RegisterOutcome.Ok },
        };
    }
}
