// What a shard knows of the requests that it has applied lately, so that one that is sent again is not applied again.
// It is made of the log and of manifests: every request lies in the record of its write, and a manifest has all those
// whose writes are in tables. What it forgets may be applied twice, so it forgets only
// - what a client says is complete (RequestId.PendingFrom);
// - a client that was not heard of for IdleMax;
// - the clients that were not heard of the longest, where there are more than ClientsMax, or more than NumbersMax
//   requests in all.
// Not safe for concurrent use: the shard's write lock guards it.
using Dmt.Core;

namespace Dmt.Engine.Requests;

internal sealed class RequestTable
{
    /// <summary>Clients that a shard remembers at most.</summary>
    public const int ClientsMax = 1024;

    /// <summary>Requests of one client at most: its next one is refused.</summary>
    public const int NumbersPerClientMax = 4096;

    /// <summary>Requests of all clients at most.</summary>
    public const int NumbersMax = 65_536;

    /// <summary>A client that was not heard of for so long may be forgotten.</summary>
    public static readonly TimeSpan IdleMax = TimeSpan.FromHours(1);

    private readonly Dictionary<ulong, LinkedListNode<Known>> _clients = [];
    private readonly LinkedList<Known> _byUse = []; // whoever was not heard of the longest comes first
    private int _numbers;

    /// <param name="clients">What a manifest has, in order of use.</param>
    public RequestTable(IReadOnlyList<RequestClient> clients) => Load(clients);

    public int Clients => _clients.Count;

    public int Numbers => _numbers;

    /// <summary>What is known of a request.</summary>
    /// <returns>Null where it is new, and may be applied.</returns>
    /// <exception cref="DmtException">
    /// InvalidArgument for one that its client said is complete; Unavailable where too much is known of the client.
    /// </exception>
    public CompletedRequest? Find(RequestId request, long nowMs)
    {
        if (!_clients.TryGetValue(request.Client, out var node))
        {
            return null;
        }

        var known = node.Value;
        Use(node, nowMs);
        Forget(known, request.PendingFrom);
        if (request.Number < known.PendingFrom)
        {
            throw DmtException.InvalidArgument(
                $"{request} is complete, as its client said: expected a number of at least {known.PendingFrom}");
        }

        if (known.Completed.TryGetValue(request.Number, out var done))
        {
            return done;
        }

        return known.Completed.Count < NumbersPerClientMax
            ? null
            : throw DmtException.Unavailable(
                $"{request}: {known.Completed.Count} requests of this client may still be sent again, as it says "
                    + $"(pending from {known.PendingFrom}): complete the oldest ones first, {NumbersPerClientMax} are "
                    + "allowed");
    }

    /// <summary>A request was applied.</summary>
    /// <param name="request">Which one; what it says of older ones counts, too.</param>
    /// <param name="version">What it is answered with.</param>
    /// <param name="nowMs">Now, in milliseconds since 1970-01-01 UTC.</param>
    public void Add(RequestId request, ulong version, long nowMs)
    {
        if (!_clients.TryGetValue(request.Client, out var node))
        {
            ForgetIdle(nowMs);
            node = _byUse.AddLast(new Known(request.Client));
            _clients.Add(request.Client, node);
        }

        var known = node.Value;
        Use(node, nowMs);
        Forget(known, request.PendingFrom);
        if (request.Number >= known.PendingFrom)
        {
            Put(known, new CompletedRequest(request.Number, version, null));
        }

        ForgetExcess(node);
    }

    /// <summary>What a manifest has to keep: requests up to a version, and all clients that are not idle.</summary>
    public IReadOnlyList<RequestClient> Snapshot(ulong version, long nowMs)
    {
        ForgetIdle(nowMs);
        return [.. _byUse.Select(known => known.Snapshot(version))];
    }

    /// <summary>
    /// Takes over what a shard knew that is merged into this one. What only one of both knows holds for the keys of
    /// that one.
    /// </summary>
    /// <param name="merged">What the other one knew.</param>
    /// <param name="mine">The keys of this one, before.</param>
    /// <param name="theirs">The keys of the other one.</param>
    public void Absorb(IReadOnlyList<RequestClient> merged, RequestScope mine, RequestScope theirs)
    {
        var union = RequestUnion.Of([.. _byUse.Select(static known => known.Snapshot(ulong.MaxValue))], mine, merged,
            theirs);
        _clients.Clear();
        _byUse.Clear();
        _numbers = 0;
        Load(union);
    }

    private void Load(IReadOnlyList<RequestClient> clients)
    {
        foreach (var client in clients)
        {
            var known = new Known(client.Client) { PendingFrom = client.PendingFrom, LastUsedMs = client.LastUsedMs };
            var node = _byUse.AddLast(known);
            _clients.Add(client.Client, node);
            foreach (var done in client.Completed)
            {
                Put(known, done);
            }

            ForgetExcess(node);
        }
    }

    private void Put(Known known, CompletedRequest done)
    {
        _numbers += known.Completed.ContainsKey(done.Number) ? 0 : 1;
        known.Completed[done.Number] = done;
    }

    private void Use(LinkedListNode<Known> node, long nowMs)
    {
        node.Value.LastUsedMs = nowMs;
        if (node.Next is not null)
        {
            _byUse.Remove(node);
            _byUse.AddLast(node);
        }
    }

    /// <summary>Forgets what the client says is complete.</summary>
    private void Forget(Known known, ulong pendingFrom)
    {
        if (pendingFrom <= known.PendingFrom)
        {
            return;
        }

        var before = known.Completed.Count;
        if (pendingFrom - known.PendingFrom <= (ulong)before)
        {
            for (var number = known.PendingFrom; number < pendingFrom; number++)
            {
                known.Completed.Remove(number);
            }
        }
        else
        {
            foreach (var number in known.Completed.Keys.Where(number => number < pendingFrom).ToList())
            {
                known.Completed.Remove(number);
            }
        }

        known.PendingFrom = pendingFrom;
        _numbers -= before - known.Completed.Count;
    }

    private void ForgetIdle(long nowMs)
    {
        while (_byUse.First is { } first && nowMs - first.Value.LastUsedMs > IdleMax.TotalMilliseconds)
        {
            Remove(first);
        }
    }

    private void ForgetExcess(LinkedListNode<Known> kept)
    {
        while ((_clients.Count > ClientsMax || _numbers > NumbersMax) && _byUse.First is { } first && first != kept)
        {
            Remove(first);
        }
    }

    private void Remove(LinkedListNode<Known> node)
    {
        _byUse.Remove(node);
        _clients.Remove(node.Value.Client);
        _numbers -= node.Value.Completed.Count;
    }

    private sealed class Known(ulong client)
    {
        public ulong Client => client;

        public ulong PendingFrom { get; set; } = 1;

        public long LastUsedMs { get; set; }

        public Dictionary<ulong, CompletedRequest> Completed { get; } = [];

        public RequestClient Snapshot(ulong version) => new(
            client,
            PendingFrom,
            LastUsedMs,
            [
                .. Completed.Values.Where(done => done.Version <= version).OrderBy(static done => done.Number),
            ]);
    }
}
