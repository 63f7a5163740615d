using Dmt.Core.Keys;

namespace Dmt.Core;

/// <summary>
/// Operations that are applied together, in order, or not at all. Held encoded (see <see cref="WriteOperation"/>), so
/// that the same bytes go to the log and over the wire. Not safe for concurrent use; may be reused after
/// <see cref="Clear"/>.
/// </summary>
public sealed class WriteBatch
{
    /// <summary>Kept free before the operations, so that a request can be put there without moving them.</summary>
    private const int HeadBytes = WriteOperation.RequestBytesMax;

    private byte[] _buffer;
    private int _start = HeadBytes; // of the request, where there is one
    private int _end = HeadBytes;
    private RequestId? _request;

    /// <param name="capacityBytes">Bytes to allocate up front.</param>
    public WriteBatch(int capacityBytes = 256) => _buffer = new byte[HeadBytes + Math.Max(capacityBytes, 16)];

    /// <summary>How many operations there are.</summary>
    public int Count { get; private set; }

    /// <summary>The largest value put so far, in bytes; stores check it against their limit.</summary>
    public int ValueBytesLargest { get; private set; }

    /// <summary>True when an operation carries a condition.</summary>
    public bool HasConditions { get; private set; }

    /// <summary>Bytes of keys, values and metadata.</summary>
    public long UserBytes { get; private set; }

    /// <summary>The encoded operations, back to back.</summary>
    public ReadOnlySpan<byte> Encoded => _buffer.AsSpan(HeadBytes.._end);

    /// <summary>
    /// Names the batch, so that it is applied once however often it is sent; null for one that is never sent again.
    /// </summary>
    /// <exception cref="DmtException">InvalidArgument for numbers that are not allowed.</exception>
    public RequestId? Request
    {
        get => _request;
        set
        {
            value?.Validate();
            _request = value;
            _start = HeadBytes;
            if (value is { } request)
            {
                Span<byte> head = stackalloc byte[HeadBytes];
                head = head[..WriteOperation.EncodeRequest(head, request)];
                _start -= head.Length;
                head.CopyTo(_buffer.AsSpan(_start));
            }
        }
    }

    /// <summary>
    /// What a log record holds: the request, where there is one, as an operation, then <see cref="Encoded"/>.
    /// </summary>
    public ReadOnlySpan<byte> Record => _buffer.AsSpan(_start.._end);

    /// <summary>How many operations <see cref="Record"/> has.</summary>
    public int RecordCount => _request is null ? Count : Count + 1;

    /// <param name="key">1 to 1,024 bytes.</param>
    /// <param name="value">0 bytes to the store's limit.</param>
    /// <param name="expiresAt">When it ceases to exist; null means never.</param>
    /// <param name="metadata">Opaque bytes beside the value, at most <see cref="Entry.MetadataBytesMax"/>.</param>
    /// <param name="condition">What must hold before the batch.</param>
    /// <returns>This batch.</returns>
    /// <exception cref="DmtException">InvalidArgument or TooLarge for the key or the metadata.</exception>
    public WriteBatch Put(
        ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> value,
        DateTimeOffset? expiresAt = null,
        ReadOnlySpan<byte> metadata = default,
        WriteCondition condition = default)
    {
        Key.Validate(key);
        if (metadata.Length > Entry.MetadataBytesMax)
        {
            throw DmtException.TooLarge(
                $"the metadata has {metadata.Length} bytes: at most {Entry.MetadataBytesMax} are allowed");
        }

        Add(new WriteOperation
        {
            Kind = WriteOperationKind.Put,
            Key = key,
            Value = value,
            Metadata = metadata,
            ExpiresAtMs = expiresAt is { } at ? Math.Max(1, at.ToUnixTimeMilliseconds()) : 0,
            Condition = condition,
        });
        return this;
    }

    public WriteBatch Delete(ReadOnlySpan<byte> key, WriteCondition condition = default)
    {
        Key.Validate(key);
        Add(new WriteOperation { Kind = WriteOperationKind.Delete, Key = key, Condition = condition });
        return this;
    }

    /// <summary>Removes every key of the range that exists before this operation.</summary>
    public WriteBatch DeleteRange(KeyRange range)
    {
        Key.ValidatePrefix(range.Start.Span);
        Key.ValidatePrefix(range.End.GetValueOrDefault().Span);
        if (range.IsEmpty)
        {
            throw DmtException.InvalidArgument(
                $"the range from \"{Key.ToDisplay(range.Start.Span)}\" to "
                + $"\"{Key.ToDisplay(range.End!.Value.Span)}\" is empty");
        }

        Add(new WriteOperation
        {
            Kind = WriteOperationKind.DeleteRange,
            Key = range.Start.Span,
            Value = range.End.GetValueOrDefault().Span,
            HasNoEnd = range.End is null,
        });
        return this;
    }

    /// <summary>Adds a copy of an operation of another batch.</summary>
    /// <exception cref="DmtException">InvalidArgument for a request, which is set as <see cref="Request"/>.</exception>
    public WriteBatch Append(in WriteOperation operation)
    {
        Add(operation);
        return this;
    }

    /// <summary>A batch of a copy of operations that were encoded before: <see cref="Encoded"/> of another.</summary>
    /// <param name="encoded">The operations, back to back.</param>
    /// <exception cref="DmtException">Corruption where the bytes make no operations; InvalidArgument for a request
    /// among them.</exception>
    public static WriteBatch Of(ReadOnlySpan<byte> encoded)
    {
        var batch = new WriteBatch(encoded.Length);
        encoded.CopyTo(batch._buffer.AsSpan(HeadBytes));
        batch._end += encoded.Length;
        foreach (var operation in batch)
        {
            batch.CountIn(operation);
        }

        return batch;
    }

    /// <summary>Forgets all operations and the request, and keeps the memory.</summary>
    public void Clear()
    {
        (_end, Count, ValueBytesLargest, HasConditions, UserBytes) = (HeadBytes, 0, 0, false, 0);
        Request = null;
    }

    /// <summary>Walks the operations in order; the request is none of them.</summary>
    public Enumerator GetEnumerator() => new(Encoded);

    private void Add(in WriteOperation operation)
    {
        // In 64 bits: a batch that cannot fit must say so, not overflow.
        var bytes = (long)operation.Key.Length + operation.Value.Length + operation.Metadata.Length;
        var needed = _end + bytes + WriteOperation.HeaderBytesMax;
        if (needed > Array.MaxLength)
        {
            throw DmtException.TooLarge($"the batch would have {needed} bytes: at most {Array.MaxLength} are allowed");
        }

        if (_buffer.Length < needed)
        {
            Array.Resize(ref _buffer, (int)Math.Min(Array.MaxLength, Math.Max(_buffer.Length * 2L, needed)));
        }

        CountIn(operation);
        _end += operation.Encode(_buffer.AsSpan(_end));
    }

    private void CountIn(in WriteOperation operation)
    {
        switch (operation.Kind)
        {
            case WriteOperationKind.Put:
                ValueBytesLargest = Math.Max(ValueBytesLargest, operation.Value.Length);
                break;
            case WriteOperationKind.Request:
                throw DmtException.InvalidArgument("a request is no operation of a batch: it is set as its Request");
            default:
                break;
        }

        Count++;
        HasConditions |= operation.Condition.Kind != WriteCondition.Kinds.None;
        UserBytes += operation.Key.Length + operation.Value.Length + operation.Metadata.Length;
    }

    /// <summary>Walks encoded operations.</summary>
    public ref struct Enumerator
    {
        private readonly ReadOnlySpan<byte> _encoded;
        private int _position;
        private WriteOperation _current;

        public Enumerator(ReadOnlySpan<byte> encoded)
        {
            _encoded = encoded;
            _position = 0;
            _current = default;
        }

        public readonly WriteOperation Current => _current;

        /// <exception cref="DmtException">Corruption where the bytes make no operation.</exception>
        public bool MoveNext()
        {
            if (_position == _encoded.Length)
            {
                return false;
            }

            if (!WriteOperation.TryDecode(_encoded, ref _position, out var operation))
            {
                throw DmtException.Corruption("write batch", _position, "the bytes make no operation");
            }

            _current = operation;
            return true;
        }
    }
}
