using Dmt.Client;
using Dmt.Core;

namespace Dmt.Grains.Tests.Client;

public sealed class CallBatcherTests
{
    private readonly Lock _lock = new();
    private readonly Queue<(int[] Calls, TaskCompletionSource<int[]> Reply)> _sent = [];

    [Fact]
    public async Task A_lone_call_waits_for_nobody_and_calls_beyond_the_limit_go_together()
    {
        var batcher = Create(messagesMax: 1, callsMax: 10);
        var first = batcher.CallAsync(1, default);
        var others = Enumerable.Range(2, 5).Select(i => batcher.CallAsync(i, default).AsTask()).ToList();
        Assert.Equal([1], Reply());
        Assert.Equal(-1, await first);
        AssertCalls(await ReplyWhenSentAsync(), 2, 3, 4, 5, 6);
        AssertCalls(await Task.WhenAll(others), -2, -3, -4, -5, -6);
        Assert.Empty(_sent);
    }

    [Fact]
    public async Task A_message_ends_with_the_call_that_fills_it_by_number_or_by_bytes()
    {
        var batcher = CreateWithLargeFour();
        var calls = Enumerable.Range(1, 7).Select(i => batcher.CallAsync(i, default).AsTask()).ToList();
        AssertCalls(await ReplyWhenSentAsync(), 1);
        AssertCalls(await ReplyWhenSentAsync(), 2, 3, 4);
        AssertCalls(await ReplyWhenSentAsync(), 5, 6, 7);
        await Task.WhenAll(calls);

        batcher = CreateWithLargeFour(); // The other one's last message may still count as under way.
        calls = [.. new[] { 1, 4, 2, 3 }.Select(i => batcher.CallAsync(i, default).AsTask())];
        AssertCalls(await ReplyWhenSentAsync(), 1);
        AssertCalls(await ReplyWhenSentAsync(), 4);
        AssertCalls(await ReplyWhenSentAsync(), 2, 3);
        await Task.WhenAll(calls);

        CallBatcher<int, int> CreateWithLargeFour() =>
            Create(messagesMax: 1, callsMax: 3, static call => call == 4 ? 8 << 20 : 1);
    }

    [Fact]
    public async Task An_error_goes_to_all_of_its_message_and_the_next_one_goes_out()
    {
        var batcher = Create(messagesMax: 1, callsMax: 2);
        var calls = Enumerable.Range(1, 5).Select(i => batcher.CallAsync(i, default).AsTask()).ToList();
        Reply();
        await FailWhenSentAsync(new TimeoutException("lost"));
        AssertCalls(await ReplyWhenSentAsync(), 4, 5);
        Assert.Equal(-1, await calls[0]);
        await Assert.ThrowsAsync<TimeoutException>(() => calls[1]);
        await Assert.ThrowsAsync<TimeoutException>(() => calls[2]);
        Assert.Equal(-4, await calls[3]);
    }

    [Fact]
    public async Task A_caller_that_blocks_its_thread_holds_up_no_other_of_its_message()
    {
        var batcher = Create(messagesMax: 1, callsMax: 100);
        var first = batcher.CallAsync(0, default).AsTask();
        using var mayGoOn = new ManualResetEventSlim();
        var blocked = Enumerable.Range(1, 3).Select(BlockAsync).ToList();
        var others = Enumerable.Range(4, 20).Select(i => batcher.CallAsync(i, default).AsTask()).ToList();
        Reply();
        await first;
        await ReplyWhenSentAsync();
        await Task.WhenAll(others);
        Assert.Equal(-99, await CallNextAsync());
        mayGoOn.Set();
        await Task.WhenAll(blocked);

        async Task BlockAsync(int call)
        {
            await batcher.CallAsync(call, default).ConfigureAwait(false);
            mayGoOn.Wait();
        }

        async Task<int> CallNextAsync()
        {
            var next = batcher.CallAsync(99, default);
            await ReplyWhenSentAsync();
            return await next;
        }
    }

    [Fact]
    public void The_lowest_number_that_may_come_again_moves_when_all_below_have_ended()
    {
        var numbers = new RequestNumbers(7);
        var (a, b, c) = (numbers.Begin(), numbers.Begin(), numbers.Begin());
        Assert.Equal(new RequestId(7, 1, 1), a);
        Assert.Equal(new RequestId(7, 3, 1), c);
        numbers.End(b);
        Assert.Equal(1UL, numbers.Renew(c).PendingFrom);
        numbers.End(a);
        Assert.Equal(3UL, numbers.Renew(c).PendingFrom);
        numbers.End(c);
        Assert.Equal(new RequestId(7, 4, 4), numbers.Begin());
    }

    private static void AssertCalls(int[] calls, params int[] expected) => Assert.Equal(expected, calls);

    private CallBatcher<int, int> Create(int messagesMax, int callsMax, Func<int, int>? bytesOf = null) =>
        new(
            calls =>
            {
                var reply = new TaskCompletionSource<int[]>(TaskCreationOptions.RunContinuationsAsynchronously);
                lock (_lock)
                {
                    _sent.Enqueue((calls, reply));
                }

                return reply.Task;
            },
            bytesOf ?? (static _ => 1),
            messagesMax,
            callsMax);

    /// <summary>Answers the oldest message, each call with its negative.</summary>
    private int[] Reply()
    {
        var (calls, reply) = Take() ?? throw new InvalidOperationException("nothing was sent");
        reply.SetResult(Array.ConvertAll(calls, static call => -call));
        return calls;
    }

    private async Task<int[]> ReplyWhenSentAsync()
    {
        var (calls, reply) = await TakeWhenSentAsync();
        reply.SetResult(Array.ConvertAll(calls, static call => -call));
        return calls;
    }

    private async Task FailWhenSentAsync(Exception error) => (await TakeWhenSentAsync()).Reply.SetException(error);

    private async Task<(int[] Calls, TaskCompletionSource<int[]> Reply)> TakeWhenSentAsync()
    {
        while (true)
        {
            if (Take() is { } sent)
            {
                return sent;
            }

            await Task.Yield();
        }
    }

    private (int[] Calls, TaskCompletionSource<int[]> Reply)? Take()
    {
        lock (_lock)
        {
            return _sent.TryDequeue(out var sent) ? sent : null;
        }
    }
}
