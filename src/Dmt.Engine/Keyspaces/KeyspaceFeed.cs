// Keeps the permuted copies of keys what the keys are. One consumer; everybody who writes keys only notes which.
//
// What is fed are the names of what has changed, out of the records that go into the log; what has become of a key is
// asked of the key. So the order of changes, and how often one is fed, do not matter: the effect of each is had exactly
// once, and whatever is in doubt is simply fed again. A range that was deleted is compared with the list of copies in
// the keys' own order, in one walk over both; so is what a keyspace begins with, and what a crash left unknown.
//
// Copies are keys like others: they lie in shards, which are carved and merged, and their writes go to the same log,
// behind the writes that they follow from. A memtable is flushed only once the log is durable up to its end (see
// Shard.Keyspaces.cs). So what a crash leaves is what a prefix of the log says, over all shards of the node:
//   - a copy never survives the loss of the change that it came from;
//   - changes that are not in tables are replayed, and noted again;
//   - of what is in tables a position says, for each shard, up to where the copies have it (KeyspaceFeed.Positions.cs).
//     Where it says less than the shard had in tables when it was opened, its keys are compared with their copies.
//
// The copies of a key are all there or none is. A write of copies that lie in one shard is atomic. Where they lie in
// several, the keys are written down first; whoever finds them written feeds them again, whatever the copies look like.
//
// Steps (RunAsync): declare; what is in doubt; rebuilds; all keys that wait; a piece of a range; positions.
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Shards;

namespace Dmt.Engine.Keyspaces;

/// <summary>The keyspaces of an open store and the one loop that feeds their copies. Dispose it before the store.
/// </summary>
internal sealed partial class KeyspaceFeed : IAsyncDisposable
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);

    /// <summary>Searches wait for so many attempts, and are refused until one succeeds.</summary>
    private const int FailuresMax = 10;

    /// <summary>What is not fed by then is compared after the next opening.</summary>
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(10);

    private readonly ShardHost _host;
    private readonly DirtyQueue _queue;
    private readonly PermutedKeys[] _keys; // of each keyspace
    private readonly KeyspaceCopies?[] _copies; // the present generation of each; null until it is declared
    private readonly CancellationTokenSource _stop = new();
    private TrieStore _store = null!; // once started
    private Task _loop = Task.CompletedTask;
    private volatile bool _isStarted;
    private volatile bool _isStopping;
    private volatile bool _hasEnded;
    private volatile Exception? _problem;
    private volatile int _failures; // attempts since the last that succeeded
    private long _keysTooLong;

    public KeyspaceFeed(ShardHost host, IReadOnlyList<Keyspace> keyspaces)
    {
        _host = host;
        _queue = new DirtyQueue(host.Time, host.Scheduler);
        _keys = [.. keyspaces.Select(static keyspace => new PermutedKeys(keyspace))];
        _copies = new KeyspaceCopies?[_keys.Length];
    }

    /// <summary>The keyspaces as they stand, in the order of their names.</summary>
    public IReadOnlyList<KeyspaceInfo> Describe() =>
    [
        .. _keys.Select((keys, i) => new KeyspaceInfo(
            keys.Keyspace,
            keys.Count,
            Volatile.Read(ref _copies[i]) is { IsBuilt: true },
            LagMs,
            Volatile.Read(ref _keysTooLong),
            _problem?.Message)).OrderBy(static info => info.Keyspace.Name, StringComparer.Ordinal),
    ];

    /// <summary>There are keyspaces; otherwise it only takes away the copies of those that there were.</summary>
    public bool IsNeeded => _keys.Length > 0;

    /// <summary>Milliseconds since the oldest change that the copies may lack; 0 where they lack none.</summary>
    public long LagMs => _queue.Lag is { Ticks: > 0 } lag ? Math.Max(1, (long)lag.TotalMilliseconds) : 0;

    /// <summary>Begins to feed. Every shard that is open by now has noted what it replayed.</summary>
    public void Start(TrieStore store)
    {
        _store = store;
        _isStarted = true;
        _loop = _host.Scheduler.Start(RunAsync);
    }

    /// <summary>A key was written or removed; called in the order of the writes, under the shard's lock.</summary>
    public void Note(in WriteOperation operation)
    {
        if (operation.Kind == WriteOperationKind.DeleteRange)
        {
            Note(new KeyRange(
                operation.Key.ToArray(), operation.HasNoEnd ? default(ReadOnlyMemory<byte>?)
                    : operation.Value.ToArray()));
            return;
        }

        foreach (var keys in _keys)
        {
            if (operation.Key.StartsWith(keys.Keyspace.Prefix.Span) && !ReservedKeys.Contains(operation.Key)
                && !_hasEnded)
            {
                _queue.Note(operation.Key);
                if (_queue.IsFull && (!_isStarted || _problem is not null))
                {
                    _queue.Replace(_keys.Select(static one => Whole(one.Keyspace)));
                }
            }
        }
    }

    /// <summary>As of each of its operations.</summary>
    public void Note(WriteBatch batch)
    {
        foreach (var operation in batch)
        {
            Note(operation);
        }
    }

    /// <summary>Something may have happened to the keys of a range.</summary>
    public void Note(KeyRange range) => Note(range, null);

    /// <summary>A shard was opened: what it replayed is noted, what it had in tables may be new, too.</summary>
    public void Opened(Shard shard)
    {
        foreach (var range in shard.OwnedRanges)
        {
            Note(range, (shard.Id, shard.FlushedAtOpen));
        }
    }

    /// <summary>Whether a key may be written now, as far as keyspaces go.</summary>
    /// <returns>False where the writer should wait for <see cref="WaitForRoomAsync"/>.</returns>
    /// <exception cref="DmtException">TooLarge for a key whose copies would be longer than a key may be.</exception>
    public bool Admits(ReadOnlySpan<byte> key)
    {
        foreach (var keys in _keys)
        {
            if (key.StartsWith(keys.Keyspace.Prefix.Span)
                && KeyspaceCopies.Has(keys, key, out var excess) && excess > 0)
            {
                throw DmtException.TooLarge(
                    $"the key \"{Key.ToDisplay(key)}\" of {key.Length} bytes is {excess} too long for keyspace "
                    + $"{keys.Keyspace.Name}: its permuted copies would have more than {Key.BytesMax} bytes");
            }
        }

        return !_queue.IsFull || _problem is not null;
    }

    public ValueTask WaitForRoomAsync(CancellationToken cancellationToken) =>
        _hasEnded ? ValueTask.CompletedTask : _queue.WaitForRoomAsync(cancellationToken);

    /// <summary>Completes when the copies have every change that was acknowledged before.</summary>
    /// <exception cref="DmtException">Unavailable, Fenced and others where they cannot be brought up to date now.
    /// </exception>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        ThrowIfStuck();
        await _queue.WaitDoneAsync(() => _isDeclared, ThrowIfStuck, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The present generation of a keyspace's copies.</summary>
    /// <param name="name">Its name; null where there is only one.</param>
    /// <exception cref="DmtException">InvalidArgument where there is none of that name; Unavailable where it is not
    /// known yet.</exception>
    public KeyspaceCopies Find(string? name)
    {
        var at = IndexOf(name);
        return Volatile.Read(ref _copies[at]) ?? throw DmtException.Unavailable(
            $"keyspace {_keys[at].Keyspace.Name} is being opened: try again"
                + (_problem is { } e ? $" ({e.Message})" : ""));
    }

    public bool IsPresent(KeyspaceCopies copies) => Array.Exists(_copies, one => ReferenceEquals(one, copies));

    /// <summary>The declared keyspace of that name.</summary>
    public Keyspace Declared(string? name) => _keys[IndexOf(name)].Keyspace;

    /// <summary>Feeds what there is, and no more.</summary>
    public async ValueTask DisposeAsync()
    {
        _isStopping = true;
        _queue.Wake();
        var patience = _problem is null ? CloseTimeout : TimeSpan.Zero;
        await using (_host.Time.CreateTimer(
            static stop => ((CancellationTokenSource)stop!).Cancel(), _stop, patience, Timeout.InfiniteTimeSpan)
            .ConfigureAwait(false))
        {
            await _loop.ConfigureAwait(false);
        }

        _stop.Dispose();
    }

    private static DirtyRange Whole(Keyspace keyspace) => new(keyspace, KeyRange.Prefix(keyspace.Prefix));

    private int IndexOf(string? name)
    {
        var at = name is null && _keys.Length == 1 ? 0 : Array.FindIndex(_keys, one => one.Keyspace.Name == name);
        if (at >= 0)
        {
            return at;
        }

        var names = string.Join(", ", _keys.Select(static one => one.Keyspace.Name).Order(StringComparer.Ordinal));
        throw DmtException.InvalidArgument(
            _keys.Length == 0 ? "the store has no keyspace: declare one to search by segments"
            : name is null ? $"the store has {_keys.Length} keyspaces: name one of {names}"
            : $"there is no keyspace \"{name}\": expected one of {names}");
    }

    private void Note(KeyRange range, (uint Shard, ulong Flushed)? unless)
    {
        foreach (var keys in _hasEnded ? [] : _keys)
        {
            if (Intersection(range, KeyRange.Prefix(keys.Keyspace.Prefix)) is { } part)
            {
                _queue.Note(new DirtyRange(keys.Keyspace, part) { Unless = unless });
            }
        }
    }

    private static KeyRange? Intersection(KeyRange a, KeyRange b)
    {
        var start = a.Start.Span.SequenceCompareTo(b.Start.Span) >= 0 ? a.Start : b.Start;
        var end = a.End is not { } endA ? b.End
            : b.End is not { } endB || endA.Span.SequenceCompareTo(endB.Span) <= 0 ? endA
            : endB;
        var range = ReservedKeys.Clip(new KeyRange(start, end));
        return range.IsEmpty ? null : range;
    }

    private void ThrowIfStuck()
    {
        if (_problem is { } problem && (_failures >= FailuresMax || _hasEnded))
        {
            throw new DmtException(
                problem is DmtException known ? known.Kind : DmtErrorKind.Unavailable,
                $"the copies of keyspaces cannot be brought up to date: {problem.Message}",
                problem);
        }

        if (_hasEnded)
        {
            throw DmtException.Closed("the store");
        }
    }
}
