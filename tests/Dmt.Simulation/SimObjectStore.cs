// A node's way to the bucket. A request is two events: its effect on the bucket, and its reply to the node. Between
// and around them come latency, faults and stalls:
//   - a stalled or cut-off node's requests have their effect when it is back, however late that is;
//   - of a killed node's requests some still have their effect, none a reply;
//   - an error says nothing about the effect, which may have come before it or come after it.
using System.Runtime.CompilerServices;
using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Simulation;

internal sealed class SimObjectStore(SimProcess node, SimBucket bucket, Func<SimFaults> faults) : IObjectStore
{
    private readonly SimProcess _node = node;
    private readonly SimBucket _bucket = bucket;
    private bool _closed;

    private SimWorld World => _node.World;

    public string Description => "the simulated store";

    public ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default) =>
        CallAsync("get", name, () => _bucket.Get(name), cancellationToken);

    public IObjectReader OpenRead(string name, long length) => new Reader(this, name, length);

    public async ValueTask PutAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        var bytes = content.ToArray();
        await CallAsync("put", name, () => _bucket.Put(name, bytes), cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        var bytes = content.ToArray();
        return CallAsync("create", name, () => _bucket.TryCreate(name, bytes), cancellationToken);
    }

    public IObjectWriter OpenWrite(string name) => new Writer(this, name);

    public async ValueTask DeleteAsync(
        IReadOnlyCollection<string> names, CancellationToken cancellationToken = default)
    {
        string[] copy = [.. names];
        await CallAsync("delete", string.Join(' ', copy), () => _bucket.Delete(copy), cancellationToken)
            .ConfigureAwait(false);
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix,
        string? startAfter = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var limit = World.Random.Next(3, 60);
        while (true)
        {
            var after = startAfter;
            var page = await CallAsync("list", prefix, () => _bucket.List(prefix, after, limit), cancellationToken)
                .ConfigureAwait(false);
            foreach (var info in page)
            {
                yield return info;
                startAfter = info.Name;
            }

            if (page.Count < limit)
            {
                yield break;
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        _closed = true;
        return ValueTask.CompletedTask;
    }

    private ValueTask<T> CallAsync<T>(string what, string name, Func<T> effect, CancellationToken cancellationToken)
    {
        World.CheckThread();
        cancellationToken.ThrowIfCancellationRequested();
        if (_closed)
        {
            throw DmtException.Closed(Description);
        }

        var call = new Call<T>(this, what, name, effect);
        call.Send(faults(), cancellationToken);
        return new ValueTask<T>(
            cancellationToken.CanBeCanceled ? call.Reply.WaitAsync(cancellationToken) : call.Reply);
    }

    private sealed class Call<T>(SimObjectStore store, string what, string name, Func<T> effect)
    {
        private readonly TaskCompletionSource<T> _reply = new();
        private readonly SimProcess _node = store._node;
        private SimOutcome _outcome;
        private bool _survivesKill;
        private long _back;
        private CancellationToken _cancellation;

        public Task<T> Reply => _reply.Task;

        private SimWorld World => _node.World;

        private bool IsReading => what is "get" or "read" or "list";

        public void Send(SimFaults faults, CancellationToken cancellationToken)
        {
            _cancellation = cancellationToken;
            var random = World.Random;
            _outcome = faults.DrawOutcome(random);
            if (_outcome == SimOutcome.LateEffect && IsReading)
            {
                _outcome = SimOutcome.ErrorBefore; // Nobody waits for what it would give.
            }

            _survivesKill = random.Next(2) == 0;
            var there = SimWorld.Milliseconds(1 + (random.NextDouble() * 12));
            _back = SimWorld.Milliseconds(1 + (random.NextDouble() * 6));
            if (random.NextDouble() < faults.Slow)
            {
                there += SimWorld.Milliseconds(random.Next(100, 4000));
            }

            if (_outcome is SimOutcome.ErrorBefore or SimOutcome.LateEffect)
            {
                _node.Post(there + _back, Fail);
            }

            if (_outcome == SimOutcome.LateEffect)
            {
                there += _back + SimWorld.Milliseconds(random.Next(3000));
            }

            if (_outcome != SimOutcome.ErrorBefore)
            {
                World.Post(there, TakeEffect);
            }
        }

        private void TakeEffect()
        {
            var heldUntil = _node.IsDead ? 0 : Math.Max(_node.FrozenUntil, _node.CutOffUntil);
            if (heldUntil > World.Now)
            {
                World.Post(heldUntil - World.Now + World.Random.Next(20_000), TakeEffect);
                return;
            }

            if ((_node.IsDead && !_survivesKill) || (IsReading && _cancellation.IsCancellationRequested))
            {
                return;
            }

            try
            {
                var result = effect();
                World.Note($"node {_node.Number} {what} {name}: {Say(result)}, {_outcome}");
                if (_outcome != SimOutcome.LateEffect)
                {
                    _node.Post(_back, () => Answer(result));
                }
            }
            catch (DmtException e)
            {
                World.Note($"node {_node.Number} {what} {name}: {e.Message}");
                _node.Post(_back, () => _reply.TrySetException(e));
            }
        }

        private void Answer(T result)
        {
            if (_outcome == SimOutcome.Done)
            {
                _reply.TrySetResult(result);
            }
            else
            {
                Fail();
            }
        }

        private void Fail()
        {
            _node.Errors++;
            _reply.TrySetException(Error());
        }

        private DmtException Error() => DmtException.Unavailable($"{what} {name}: simulated");

        private static string Say(T result) => result switch
        {
            bool done => done ? "done" : "refused",
            byte[] bytes => $"{bytes.Length} bytes",
            List<ObjectInfo> page => $"{page.Count} names",
            _ => "nothing",
        };
    }

    private sealed class Reader(SimObjectStore store, string name, long length) : IObjectReader
    {
        public string Name => name;

        public long Length => length;

        public async ValueTask ReadAsync(
            long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var bytes = await store
                .CallAsync(
                    "read", name, () => store._bucket.Read(store._node, name, offset, buffer.Length), cancellationToken)
                .ConfigureAwait(false);
            bytes.CopyTo(buffer);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class Writer(SimObjectStore store, string name) : IObjectWriter
    {
        private readonly MemoryStream _content = new();

        public ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken = default)
        {
            _content.Write(piece.Span);
            return ValueTask.CompletedTask;
        }

        public ValueTask CompleteAsync(CancellationToken cancellationToken = default) =>
            store.PutAsync(name, _content.ToArray(), cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
