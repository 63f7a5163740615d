using System.Buffers.Text;
using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Testing;

/// <summary>
/// What every <see cref="ITrieStore"/> must behave like: a sorted set of entries under one lock, everything copied in
/// and out. It is a SortedSet (what SortedDictionary is made of) because that one can be walked from a key. Safe for
/// concurrent use; nothing is kept after it is disposed.
/// </summary>
/// <param name="time">Tells when entries expire.</param>
/// <param name="valueBytesMax">Longest value, in bytes.</param>
public sealed class ModelTrieStore(TimeProvider time, int valueBytesMax = Entry.ValueBytesMaxDefault) : ITrieStore
{
    private readonly Lock _lock = new(); // Guards all that follows.
    private readonly SortedSet<Row> _rows = new(Row.ByKey);
    private readonly Dictionary<(ulong Client, ulong Number), ulong> _requests = [];
    private ulong _version;
    private long _userBytes;
    private string? _refusal;
    private bool _closed;

    public ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Key.Validate(key.Span);
        lock (_lock)
        {
            CheckOpen();
            return new(Find(key.Span) is { } row ? row.ToEntry(withValue: true) : null);
        }
    }

    public ValueTask<ulong> PutAsync(
        ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, WriteOptions options = default,
        CancellationToken cancellationToken = default)
    {
        if (options.TimeToLive is { } ttl && ttl < TimeSpan.FromMilliseconds(1))
        {
            throw DmtException.InvalidArgument($"time to live is {ttl}: expected at least 1 ms");
        }

        var expiresAt = time.GetUtcNow() + options.TimeToLive;
        var batch = new WriteBatch { Request = options.Request }
            .Put(key.Span, value.Span, expiresAt, options.Metadata.Span, options.Condition);
        return WriteAsync(batch, options.Durability, cancellationToken);
    }

    public ValueTask<ulong> DeleteAsync(
        ReadOnlyMemory<byte> key, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        WriteAsync(
            new WriteBatch { Request = options.Request }.Delete(key.Span, options.Condition),
            options.Durability,
            cancellationToken);

    public ValueTask<ulong> DeleteRangeAsync(
        KeyRange range, WriteOptions options = default, CancellationToken cancellationToken = default) =>
        WriteAsync(
            new WriteBatch { Request = options.Request }.DeleteRange(range), options.Durability, cancellationToken);

    public ValueTask<ulong> WriteAsync(
        WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (batch.Count == 0)
        {
            throw DmtException.InvalidArgument("the batch is empty");
        }

        if (batch.ValueBytesLargest > valueBytesMax)
        {
            throw DmtException.TooLarge(
                $"a value has {batch.ValueBytesLargest} bytes: at most {valueBytesMax} are allowed");
        }

        lock (_lock)
        {
            CheckOpen();
            if (_refusal is not null)
            {
                throw DmtException.Unavailable(_refusal);
            }

            if (batch.Request is { } again && _requests.TryGetValue((again.Client, again.Number), out var version))
            {
                return new(version);
            }

            foreach (var operation in batch)
            {
                CheckCondition(operation);
            }

            foreach (var operation in batch)
            {
                Apply(operation, ++_version);
            }

            if (batch.Request is { } request)
            {
                _requests.Add((request.Client, request.Number), _version);
            }

            _userBytes += batch.UserBytes;
            return new(_version);
        }
    }

    public ValueTask<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (request.Limit is < 1 or > ScanRequest.LimitMax)
        {
            throw DmtException.InvalidArgument($"limit is {request.Limit}: expected 1 to {ScanRequest.LimitMax}");
        }

        lock (_lock)
        {
            CheckOpen();
            var entries = new List<KeyEntry>();
            long bytes = 0;
            foreach (var row in Walk(request.Range, request.Reverse, DecodeCursor(request)))
            {
                if (entries.Count == request.Limit || (entries.Count > 0 && bytes > request.BytesMax))
                {
                    return new(new ScanPage(entries, EncodeCursor(request.Reverse, entries[^1].Key.Span)));
                }

                entries.Add(new KeyEntry(row.Key.ToArray(), row.ToEntry(withValue: !request.KeysOnly)));
                bytes += row.Key.Length + (request.KeysOnly ? 0 : row.Value.Length);
            }

            return new(new ScanPage(entries, null));
        }
    }

    public ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            CheckOpen();
            return new(Walk(range, reverse: false, after: null).LongCount());
        }
    }

    public ValueTask SyncAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            CheckOpen();
            return default;
        }
    }

    public ValueTask<StoreStatistics> StatAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            CheckOpen();
            return new(new StoreStatistics
            {
                Levels = [],
                EntriesMax = _rows.Count,
                UserBytesWritten = _userBytes,
                LastSequence = _version,
                Incarnation = "model",
                WritesRefused = _refusal,
            });
        }
    }

    /// <summary>From now on writes are refused as when the disk is full; null lets them through again.</summary>
    public void RefuseWrites(string? why)
    {
        lock (_lock)
        {
            _refusal = why;
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _closed = true;
            return default;
        }
    }

    private void CheckOpen()
    {
        if (_closed)
        {
            throw DmtException.Closed("the store");
        }
    }

    private Row? Find(ReadOnlySpan<byte> key) =>
        _rows.TryGetValue(Row.Probe(key.ToArray()), out var row) && IsAlive(row) ? row : null;

    private bool IsAlive(Row row) =>
        row.ExpiresAtMs == 0 || row.ExpiresAtMs > time.GetUtcNow().ToUnixTimeMilliseconds();

    private void CheckCondition(in WriteOperation operation)
    {
        if (operation.Condition.Kind == WriteCondition.Kinds.None)
        {
            return;
        }

        var current = Find(operation.Key)?.Version ?? 0;
        var holds = operation.Condition.Kind switch
        {
            WriteCondition.Kinds.Absent => current == 0,
            WriteCondition.Kinds.Present => current != 0,
            _ => current != 0 && current == operation.Condition.Version,
        };
        if (!holds)
        {
            throw DmtException.Conflict(
                $"the key \"{Key.ToDisplay(operation.Key)}\" is {(current == 0 ? "absent" : $"in version {current}")}",
                current);
        }
    }

    private void Apply(in WriteOperation operation, ulong version)
    {
        if (operation.Kind == WriteOperationKind.DeleteRange)
        {
            var range = new KeyRange(
                operation.Key.ToArray(), operation.HasNoEnd ? (ReadOnlyMemory<byte>?)null : operation.Value.ToArray());
            foreach (var row in Walk(range, reverse: false, after: null).ToList())
            {
                _rows.Remove(row);
            }

            return;
        }

        var key = operation.Key.ToArray();
        _rows.Remove(Row.Probe(key));
        if (operation.Kind == WriteOperationKind.Put)
        {
            _rows.Add(
                new Row(key, operation.Value.ToArray(), version, operation.Metadata.ToArray(), operation.ExpiresAtMs));
        }
    }

    /// <summary>The living rows of the range in order, behind <paramref name="after"/> where that is given.</summary>
    private IEnumerable<Row> Walk(KeyRange range, bool reverse, byte[]? after)
    {
        if (range.IsEmpty || _rows.Count == 0)
        {
            return [];
        }

        var low = Row.Probe(!reverse && after is not null ? after : range.Start.ToArray());
        var high = reverse && after is not null ? Row.Probe(after)
            : range.End is { } end ? Row.Probe(end.ToArray())
            : _rows.Max!;
        if (Row.ByKey.Compare(low, high) > 0)
        {
            return [];
        }

        var view = _rows.GetViewBetween(low, high);
        return (reverse ? view.Reverse() : view).Where(row =>
            range.Contains(row.Key) && IsAlive(row) && (after is null || !row.Key.AsSpan().SequenceEqual(after)));
    }

    private static string EncodeCursor(bool reverse, ReadOnlySpan<byte> last) =>
        (reverse ? "r" : "f") + Base64Url.EncodeToString(last);

    private static byte[]? DecodeCursor(ScanRequest request)
    {
        if (request.Cursor is not { } cursor)
        {
            return null;
        }

        if (cursor.Length < 2 || cursor[0] != (request.Reverse ? 'r' : 'f') || !Ascii.IsValid(cursor)
            || !Base64Url.IsValid(cursor.AsSpan(1))
            || Base64Url.DecodeFromChars(cursor.AsSpan(1)) is not { } last || !request.Range.Contains(last))
        {
            throw DmtException.InvalidArgument(
                "the cursor is none that a scan of this range in this direction has given");
        }

        return last;
    }

    private sealed record Row(byte[] Key, byte[] Value, ulong Version, byte[] Metadata, long ExpiresAtMs)
    {
        public static readonly Comparer<Row> ByKey =
            Comparer<Row>.Create(static (x, y) => x.Key.AsSpan().SequenceCompareTo(y.Key));

        public static Row Probe(byte[] key) => new(key, [], 0, [], 0);

        public Entry ToEntry(bool withValue) => new(
            withValue ? Value.ToArray() : default,
            Version,
            Metadata.ToArray(),
            ExpiresAtMs == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(ExpiresAtMs));
    }
}
