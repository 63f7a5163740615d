namespace Dmt.Objects.S3.Tests;

/// <summary>Create if absent, when an attempt's outcome cannot be known from its answer.</summary>
public sealed class CreatingTests : FakeS3Test
{
    private static readonly byte[] Mine = [1, 2, 3];
    private static readonly byte[] Others = [9];

    public static TheoryData<int, string> Unclear => new()
    {
        { 500, "InternalError" }, { 500, "" }, { 502, "" }, { 503, "SlowDown" }, { 504, "" }, { 0, "" },
    };

    [Theory]
    [MemberData(nameof(Unclear))]
    public async Task A_create_that_took_effect_without_a_clear_answer_is_won(int status, string code)
    {
        Fail("PUT", 1, new Fault(status, code, AfterEffect: true));
        await using var store = Server.Open();
        Assert.True(await store.TryCreateAsync("a", Mine));
        Assert.Equal(Mine, Server.Find("a"));
        Assert.Equal(["PUT p/a", "HEAD p/a"], Server.Seen);
    }

    [Theory]
    [MemberData(nameof(Unclear))]
    public async Task A_create_that_took_no_effect_without_a_clear_answer_is_made_again(int status, string code)
    {
        Fail("PUT", 1, new Fault(status, code));
        await using var store = Server.Open();
        Assert.True(await store.TryCreateAsync("a", Mine));
        Assert.Equal(Mine, Server.Find("a"));
        Assert.Equal(["PUT p/a", "HEAD p/a", "PUT p/a"], Server.Seen);
        var totals = store.Requests;
        Assert.Equal((2, 1, 1), (totals.ConditionalPuts, totals.Heads, totals.Retries));
    }

    [Theory]
    [MemberData(nameof(Unclear))]
    public async Task Without_a_clear_answer_another_writers_object_is_no_victory(int status, string code)
    {
        Server.Script = request =>
        {
            if (request.Method != "PUT")
            {
                return null;
            }

            Server.Set("a", Others);
            return new Fault(status, code);
        };
        await using var store = Server.Open();
        Assert.False(await store.TryCreateAsync("a", Mine));
        Assert.Equal(Others, Server.Find("a"));
    }

    [Fact]
    public async Task An_object_of_the_same_content_by_another_call_is_no_victory()
    {
        await using var store = Server.Open();
        Assert.True(await store.TryCreateAsync("a", Mine));
        Assert.False(await store.TryCreateAsync("a", Mine));
        Fail("PUT", 1, Fault.Cut());
        Assert.False(await store.TryCreateAsync("a", Mine));
    }

    [Fact]
    public async Task An_attempt_that_arrives_late_is_recognised_by_the_next()
    {
        var late = NewGate();
        var arrived = NewGate();
        var puts = 0;
        Server.Script = request => request.Method != "PUT" ? null : ++puts switch
        {
            1 => Fault.Slow(late.Task) with { AnswerGate = ArrivedAsync() },
            2 => Release(),
            _ => null,
        };
        await using var store = FakeS3.Open(Server.Options with { RequestTimeout = TimeSpan.FromMilliseconds(300) });
        Assert.True(await store.TryCreateAsync("a", Mine));
        Assert.Equal(["PUT p/a", "HEAD p/a", "PUT p/a", "HEAD p/a"], Server.Seen);
        Assert.Equal(Mine, Server.Find("a"));

        // The second attempt is let in when the first has taken effect.
        Fault Release()
        {
            late.SetResult();
            return Fault.Slow(arrived.Task);
        }

        async Task ArrivedAsync()
        {
            await late.Task;
            while (Server.Find("a") is null)
            {
                await Task.Yield();
            }

            arrived.SetResult();
        }
    }

    [Fact]
    public async Task A_refusal_of_the_first_attempt_is_read_back_too()
    {
        // As a proxy does that repeats a request by itself.
        Fail("PUT", 1, new Fault(412, "PreconditionFailed", AfterEffect: true));
        await using var store = Server.Open();
        Assert.True(await store.TryCreateAsync("a", Mine));
        Assert.Equal(["PUT p/a", "HEAD p/a"], Server.Seen);
    }

    [Fact]
    public async Task A_refusal_by_an_object_that_is_gone_by_then_is_tried_again()
    {
        Fail("PUT", 1, new Fault(412, "PreconditionFailed"));
        await using var store = Server.Open();
        Assert.True(await store.TryCreateAsync("a", Mine));
        Assert.Equal(["PUT p/a", "HEAD p/a", "PUT p/a"], Server.Seen);
    }

    [Fact]
    public async Task A_refusal_by_an_object_that_is_gone_after_an_unclear_answer_stays_unclear()
    {
        var puts = 0;
        Server.Script = request => request.Method != "PUT" ? null : ++puts switch
        {
            1 => Fault.Cut(),
            _ => new Fault(412, "PreconditionFailed"),
        };
        await using var store = Server.Open();
        var error = await UnavailableAsync(async () => await store.TryCreateAsync("a", Mine));
        Assert.Contains("it may have been created", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_conflicting_operation_is_waited_out_without_reading_back()
    {
        Fail("PUT", 1, new Fault(409, "ConditionalRequestConflict"));
        await using var store = Server.Open();
        Assert.True(await store.TryCreateAsync("a", Mine));
        Assert.Equal(["PUT p/a", "PUT p/a"], Server.Seen);
    }

    [Fact]
    public async Task When_no_attempt_gets_a_clear_answer_the_error_says_what_is_not_known()
    {
        Server.Script = request => request.Method == "PUT" ? new Fault(500, "InternalError") : null;
        await using var store = Server.Open();
        var error = await UnavailableAsync(async () => await store.TryCreateAsync("a", Mine));
        Assert.StartsWith(
            "create of s3://bucket/p/a failed after 4 attempts: 500 InternalError", error.Message,
            StringComparison.Ordinal);
        Assert.EndsWith("; it may have been created, or may yet be", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_clear_refusal_leaves_nothing_open()
    {
        Server.Script = _ => new Fault(403, "AccessDenied");
        await using var store = Server.Open();
        var error = await UnavailableAsync(async () => await store.TryCreateAsync("a", Mine));
        Assert.DoesNotContain("may have been", error.Message, StringComparison.Ordinal);
        Assert.Equal(["PUT p/a"], Server.Seen);
    }

    [Fact]
    public async Task Of_racing_creators_one_wins_when_every_first_answer_is_lost()
    {
        var seen = new HashSet<string>();
        Server.Script = request =>
            request.Method == "PUT" && seen.Add(request.Writer!) ? Fault.Cut(afterEffect: true) : null;
        await using var store = Server.Open();
        await using var other = Server.Open();
        for (var round = 0; round < 20; round++)
        {
            var name = $"race/{round}";
            var won = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
                await (i % 2 == 0 ? store : other).TryCreateAsync(name, new[] { (byte)i })));
            Assert.Single(won, true);
            Assert.Equal<byte[]?>([(byte)Array.IndexOf(won, true)], Server.Find(name));
        }
    }
}
