using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Requests;

namespace Dmt.Engine.Tests.Requests;

public sealed class RequestTableTests
{
    private static readonly long Idle = (long)RequestTable.IdleMax.TotalMilliseconds;

    private readonly RequestTable _table = new([]);

    [Fact]
    public void What_was_added_is_known_until_its_client_says_that_it_is_complete()
    {
        _table.Add(new RequestId(1, 5, 2), 50, 0);
        _table.Add(new RequestId(1, 3, 1), 51, 0);
        _table.Add(new RequestId(2, 3, 1), 52, 0);
        Assert.Equal(50ul, Version(1, 5, 2));
        Assert.Equal(51ul, Version(1, 3, 1));
        Assert.Equal(52ul, Version(2, 3, 3));
        Assert.Equal(0ul, Version(1, 4, 4));
        Refused(DmtErrorKind.InvalidArgument, "expected a number of at least 4", () => Version(1, 3, 1));
        Assert.Equal(50ul, Version(1, 5, 1));
        Assert.Equal(0ul, Version(1, ulong.MaxValue, ulong.MaxValue));
        Assert.Equal((2, 1), (_table.Clients, _table.Numbers));
    }

    [Fact]
    public void A_request_that_is_complete_already_is_not_noted()
    {
        _table.Add(new RequestId(1, 5, 5), 50, 0);
        _table.Add(new RequestId(1, 4, 4), 49, 0);
        Assert.Equal(1, _table.Numbers);
        Refused(DmtErrorKind.InvalidArgument, "at least 5", () => Version(1, 4, 1));
    }

    [Fact]
    public void A_client_that_completes_nothing_is_refused_and_may_go_on_once_it_does()
    {
        for (var i = 1ul; i <= RequestTable.NumbersPerClientMax; i++)
        {
            Assert.Equal(0ul, Version(1, i, 1));
            _table.Add(new RequestId(1, i, 1), i, 0);
        }

        Refused(
            DmtErrorKind.Unavailable,
            "complete the oldest ones first",
            () => Version(1, RequestTable.NumbersPerClientMax + 1, 1));
        Assert.Equal(7ul, Version(1, 7, 1));
        Assert.Equal(0ul, Version(2, 1, 1));
        Assert.Equal(0ul, Version(1, RequestTable.NumbersPerClientMax + 1, 2));
    }

    [Fact]
    public void Of_too_many_clients_those_that_were_not_heard_of_the_longest_are_forgotten()
    {
        for (var i = 1ul; i <= RequestTable.ClientsMax; i++)
        {
            _table.Add(new RequestId(i, 1, 1), i, 0);
        }

        Assert.Equal(1ul, Version(1, 1, 1)); // Heard of again.
        _table.Add(new RequestId(5000, 1, 1), 5000, 0);
        Assert.Equal(RequestTable.ClientsMax, _table.Clients);
        Assert.Equal([1ul, 0ul, 3ul, 5000ul], new ulong[] { 1, 2, 3, 5000 }.Select(client => Version(client, 1, 1)));
    }

    [Fact]
    public void Of_too_many_requests_the_clients_that_were_not_heard_of_the_longest_are_forgotten()
    {
        const ulong Each = 4000;
        for (var client = 1ul; client <= 17; client++)
        {
            for (var i = 1ul; i <= Each; i++)
            {
                _table.Add(new RequestId(client, i, 1), i, 0);
            }
        }

        Assert.Equal((16, 16 * (int)Each), (_table.Clients, _table.Numbers));
        Assert.Equal(0ul, Version(1, 1, 1));
        Assert.Equal(1ul, Version(2, 1, 1));
        Assert.Equal(Each, Version(17, Each, 1));
    }

    [Fact]
    public void A_client_is_forgotten_when_it_was_idle_for_long()
    {
        _table.Add(new RequestId(1, 1, 1), 10, 0);
        _table.Add(new RequestId(2, 1, 1), 11, 5);
        Assert.Equal(2, _table.Snapshot(100, Idle).Count);
        Assert.Equal(2ul, Assert.Single(_table.Snapshot(100, Idle + 1)).Client);
        _table.Add(new RequestId(3, 1, 1), 12, Idle + 6);
        Assert.Equal(1, _table.Clients);
        Assert.Single(_table.Snapshot(100, -1_000_000_000)); // The clock was set back.
    }

    [Fact]
    public void A_snapshot_has_what_is_in_tables_and_makes_the_same_table()
    {
        _table.Add(new RequestId(2, 9, 7), 100, 3);
        _table.Add(new RequestId(1, 1, 1), 101, 4);
        _table.Add(new RequestId(2, 8, 7), 102, 5);
        var snapshot = _table.Snapshot(101, 5);
        Assert.Equal([1ul, 2ul], snapshot.Select(static client => client.Client));
        Assert.Equal((7ul, 5L), (snapshot[1].PendingFrom, snapshot[1].LastUsedMs));
        Assert.Equal(new CompletedRequest(9, 100, null), Assert.Single(snapshot[1].Completed));
        var again = new RequestTable(_table.Snapshot(102, 5)).Snapshot(102, 5);
        Assert.Equivalent(_table.Snapshot(102, 5), again, strict: true);
        Assert.Equal([8ul, 9ul], again[1].Completed.Select(static done => done.Number));
    }

    [Fact]
    public void What_only_one_of_two_merged_shards_knows_holds_for_its_keys()
    {
        var (mine, theirs) = (Scope("", "m", "n", null), Scope("m", "n"));
        _table.Add(new RequestId(1, 3, 2), 30, 9);
        _table.Add(new RequestId(1, 4, 2), 40, 9);
        _table.Absorb(
            [
                new RequestClient(2, 1, 5, [new CompletedRequest(1, 70, null)]),
                new RequestClient(
                    1, 3, 5, [new CompletedRequest(4, 41, null), new CompletedRequest(5, 50, Scope("m", "m2"))]),
            ],
            mine,
            theirs);
        var known = _table.Snapshot(100, 10);
        Assert.Equal([(2ul, 1ul, 5L), (1, 3, 9)], known.Select(c => (c.Client, c.PendingFrom, c.LastUsedMs)));
        Assert.Equal("1 70 [m,n)", Show(known[0]));
        Assert.Equal("3 30 [,m)[n,), 4 41 all, 5 50 [m,m2)", Show(known[1]));

        // A second merge, of a shard that was carved out since and knows the same.
        _table.Absorb(
            [new RequestClient(1, 4, 11, [new CompletedRequest(5, 50, Scope("m", "m2")), new(4, 41, null)])],
            Scope("", "x"),
            Scope("x", null));
        known = _table.Snapshot(100, 10);
        Assert.Equal("1 70 [m,n)", Show(known[0]));
        Assert.Equal("4 41 all, 5 50 [m,m2)", Show(known[1]));
    }

    private static RequestScope Scope(params string?[] ends) => new(ends.Chunk(2).Select(static pair =>
        new KeyRange(Bytes(pair[0]!), pair[1] is { } end ? Bytes(end) : default(ReadOnlyMemory<byte>?))));

    private static byte[] Bytes(string text) => System.Text.Encoding.ASCII.GetBytes(text);

    private static string Show(RequestClient client) => string.Join(", ", client.Completed.Select(static done =>
        $"{done.Number} {done.Version} " + (done.Scope is null ? "all" : string.Concat(done.Scope.Ranges.Select(
            static range => $"[{Text(range.Start)},{Text(range.End.GetValueOrDefault())})")))));

    private static string Text(ReadOnlyMemory<byte> bytes) => System.Text.Encoding.ASCII.GetString(bytes.Span);

    private static void Refused(DmtErrorKind kind, string said, Action act)
    {
        var error = Assert.Throws<DmtException>(act);
        Assert.Equal(kind, error.Kind);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    private ulong Version(ulong client, ulong number, ulong pendingFrom) =>
        _table.Find(new RequestId(client, number, pendingFrom), 0)?.Version ?? 0;
}
