using System.Collections.Concurrent;
using System.Diagnostics;
using Dmt.Core;
using Dmt.Core.Diagnostics;

namespace Dmt.Objects.S3.Tests;

public sealed class RetryTests : FakeS3Test
{
    public static TheoryData<int, string> Passing => new()
    {
        { 500, "InternalError" }, { 503, "SlowDown" }, { 503, "" }, { 429, "" }, { 408, "" },
        { 409, "OperationAborted" }, { 400, "RequestTimeout" }, { 0, "" },
    };

    public static TheoryData<int, string, string> Lasting => new()
    {
        { 403, "AccessDenied", "check the credentials and their permissions" },
        { 403, "InvalidAccessKeyId", "check the credentials" },
        { 403, "SignatureDoesNotMatch", "check the credentials" },
        { 403, "RequestTimeTooSkewed", "set this machine's clock" },
        { 404, "NoSuchBucket", "create the bucket first" },
        { 301, "PermanentRedirect", "check the region" },
        { 400, "AuthorizationHeaderMalformed", "check the region" },
        { 501, "NotImplemented", "failed after 1 attempt: 501" },
        { 400, "InvalidArgument", "failed after 1 attempt: 400 InvalidArgument" },
    };

    [Theory]
    [MemberData(nameof(Passing))]
    public async Task What_may_pass_is_made_again(int status, string code)
    {
        await using var store = Server.Open();
        var seen = new HashSet<string>();
        Server.Script = request => seen.Add(request.ToString()) ? new Fault(status, code) : null;
        await store.PutAsync("a", new byte[] { 7, 8 });
        Assert.Equal<byte[]?>([7, 8], await store.GetAsync("a"));
        await using var reader = store.OpenRead("a", 2);
        seen.Clear();
        var buffer = new byte[1];
        await reader.ReadAsync(1, buffer);
        Assert.Equal(8, buffer[0]);
        Assert.Equal("a", await OnlyNameAsync(store));
        await store.DeleteAsync(["a"]);
        Assert.Null(Server.Find("a"));
        await store.DeleteAsync(["b", "c"]);
        var totals = store.Requests;
        Assert.Equal(6, totals.Retries);
        Assert.Equal((2, 2, 2, 2, 4), (totals.Puts, totals.Gets, totals.RangedGets, totals.Lists, totals.Deletes));
        Assert.Equal(12, Server.Seen.Length);
    }

    [Fact]
    public async Task Each_request_has_a_span_that_says_how_it_ended()
    {
        var ended = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == DmtSpans.Objects,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) =>
                ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var store = Server.Open();
        Fail("PUT", 1, new Fault(503, "SlowDown"));
        using var root = new Activity("test").SetIdFormat(ActivityIdFormat.W3C).Start();
        await store.PutAsync("a", new byte[] { 7, 8 });
        var spans = ended.Where(span => span.ParentSpanId == root.SpanId).ToList();
        Assert.Equal(
            [ActivityStatusCode.Error, ActivityStatusCode.Unset], spans.Select(static span => span.Status));
        Assert.All(spans, static span => Assert.Equal("put of s3://bucket/p/a", span.GetTagItem("dmt.what")));
    }

    [Theory]
    [MemberData(nameof(Lasting))]
    public async Task What_lasts_is_told_at_once(int status, string code, string said)
    {
        await using var store = Server.Open();
        Server.Script = _ => new Fault(status, code);
        foreach (var call in new Func<Task>[]
        {
            async () => await store.GetAsync("a"),
            async () => await store.PutAsync("a", new byte[1]),
            async () => await store.TryCreateAsync("a", new byte[1]),
            async () => await OnlyNameAsync(store),
            async () => await store.DeleteAsync(["a"]),
        })
        {
            var error = await UnavailableAsync(call);
            Assert.Contains(said, error.Message, StringComparison.Ordinal);
            Assert.Contains("s3://bucket/p/", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal((5, 0), (store.Requests.Requests, store.Requests.Retries));
    }

    [Fact]
    public async Task What_does_not_pass_names_object_attempts_and_last_answer()
    {
        await using var store = Server.Open();
        var number = 0;
        Server.Script = _ => new Fault(++number < 4 ? 500 : 503, number < 4 ? "InternalError" : "SlowDown");
        var error = await UnavailableAsync(async () => await store.PutAsync("x/y", new byte[1]));
        Assert.StartsWith(
            "put of s3://bucket/p/x/y failed after 4 attempts: 503 SlowDown", error.Message, StringComparison.Ordinal);
        Assert.Equal(3, store.Requests.Retries);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_told_as_such()
    {
        await using var store = Server.Open();
        await Server.DisposeAsync();
        var error = await UnavailableAsync(async () => await store.GetAsync("a"));
        Assert.StartsWith(
            "get of s3://bucket/p/a failed after 4 attempts: no answer: Connection refused", error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_without_an_answer_ends_in_time_and_is_made_again()
    {
        Server.Set("a", [5]);
        var never = NewGate();
        Fail("GET", 1, Fault.Slow(never.Task));
        await using var store = FakeS3.Open(Server.Options with { RequestTimeout = TimeSpan.FromMilliseconds(200) });
        Assert.Equal<byte[]?>([5], await store.GetAsync("a"));
        Server.Script = _ => Fault.Slow(never.Task);
        var error = await UnavailableAsync(async () => await store.GetAsync("a"));
        Assert.EndsWith("failed after 4 attempts: no answer within 0.2 s", error.Message, StringComparison.Ordinal);
        never.SetResult();
    }

    [Fact]
    public async Task An_answer_that_breaks_off_is_fetched_again()
    {
        var content = new byte[1 << 20];
        new Random(1).NextBytes(content);
        Server.Set("a", content);
        Fail("GET", 1, new Fault(0, "", AfterEffect: true) { HalfBody = true });
        await using var store = Server.Open();
        var got = await store.GetAsync("a");
        Assert.True(content.AsSpan().SequenceEqual(got));
        Fail("GET", 1, new Fault(0, "", AfterEffect: true) { HalfBody = true });
        await using var reader = store.OpenRead("a", content.Length);
        var buffer = new byte[content.Length - 2];
        await reader.ReadAsync(1, buffer);
        Assert.True(content.AsSpan(1, buffer.Length).SequenceEqual(buffer));
        Assert.Equal(2, store.Requests.Retries);
    }

    [Fact]
    public async Task Whoever_cancels_is_let_go()
    {
        var never = NewGate();
        var arrived = NewGate();
        Server.Script = _ =>
        {
            arrived.TrySetResult();
            return Fault.Slow(never.Task);
        };
        await using var store = Server.Open();
        using var cancel = new CancellationTokenSource();
        var get = store.GetAsync("a", cancel.Token).AsTask();
        await arrived.Task;
        await cancel.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => get);
        never.SetResult();
    }

    [Fact]
    public async Task Closing_ends_what_is_under_way()
    {
        var never = NewGate();
        var arrived = NewGate();
        Server.Script = _ =>
        {
            arrived.TrySetResult();
            return Fault.Slow(never.Task);
        };
        var store = Server.Open();
        var put = store.PutAsync("a", new byte[1]).AsTask();
        await arrived.Task;
        await store.DisposeAsync();
        Assert.Equal(DmtErrorKind.Closed, (await Assert.ThrowsAsync<DmtException>(() => put)).Kind);
        never.SetResult();
    }

    [Fact]
    public async Task No_more_requests_are_in_flight_than_allowed()
    {
        await using var store = FakeS3.Open(Server.Options with { InFlightMax = 3 });
        var gate = NewGate();
        var seen = 0;
        Server.Script = _ =>
        {
            if (++seen == 3)
            {
                gate.SetResult();
            }

            return Fault.Slow(gate.Task);
        };
        await Task.WhenAll(Enumerable.Range(0, 40).Select(async i => await store.PutAsync($"a/{i}", new byte[1])));
        Assert.Equal(3, Server.InFlightMax);
    }

    [Theory]
    [InlineData("AccessDenied", 0)]
    [InlineData("InternalError", 3)]
    public async Task A_batch_that_is_deleted_in_part_is_a_failure(string code, int retries)
    {
        await using var store = Server.Open();
        Server.Script = _ => new Fault(200)
        {
            Body = $"<DeleteResult><Error><Key>p/b</Key><Code>{code}</Code></Error></DeleteResult>",
        };
        var error = await UnavailableAsync(async () => await store.DeleteAsync(["a", "b"]));
        Assert.Contains(code, error.Message, StringComparison.Ordinal);
        Assert.Contains("delete of 2 objects from s3://bucket/p/a on", error.Message, StringComparison.Ordinal);
        Assert.Equal(retries, store.Requests.Retries);
    }

    [Fact]
    public async Task A_server_that_ignores_ranges_is_refused()
    {
        Server.Script = _ => new Fault(200) { Body = "0123456789" };
        await using var store = Server.Open();
        await using var reader = store.OpenRead("a", 10);
        var error = await UnavailableAsync(async () => await reader.ReadAsync(2, new byte[3]));
        Assert.Contains("ignores the range", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_listing_out_of_order_is_refused()
    {
        Server.Script = _ => new Fault(200)
        {
            Body = "<ListBucketResult><Contents><Key>p/b</Key></Contents>"
                + "<Contents><Key>p/a</Key></Contents></ListBucketResult>",
        };
        await using var store = Server.Open();
        var error = await UnavailableAsync(async () => await OnlyNameAsync(store));
        Assert.Contains("bytewise order", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Pauses_double_up_to_their_most_and_are_drawn_from_zero_up()
    {
        var one = new Backoff(new Random(7), TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5));
        var same = new Backoff(new Random(7), TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5));
        for (var retry = 0; retry < 100; retry++)
        {
            var most = Math.Min(50 * Math.Pow(2, retry), 5000);
            var drawn = Enumerable.Range(0, 50).Select(_ => one.Pause(retry).TotalMilliseconds).ToArray();
            Assert.All(drawn, ms => Assert.InRange(ms, 0, most));
            Assert.True(drawn.Max() > most / 2 && drawn.Min() < most / 2, "50 draws from one half of the range");
            Assert.All(drawn, ms => Assert.Equal(ms, same.Pause(retry).TotalMilliseconds));
        }
    }

    private static async Task<string> OnlyNameAsync(S3ObjectStore store)
    {
        List<string> names = [];
        await foreach (var info in store.ListAsync(""))
        {
            names.Add(info.Name);
        }

        return Assert.Single(names);
    }
}
