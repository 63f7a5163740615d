using System.Buffers.Binary;

namespace Dmt.Core;

/// <summary>What an operation of a batch does.</summary>
public enum WriteOperationKind : byte
{
    Put = 1,
    Delete = 2,
    DeleteRange = 3,

    /// <summary>
    /// In log records only, before all others: names the write that they are. See <see cref="WriteBatch.Request"/>.
    /// </summary>
    Request = 4,
}

/// <summary>
/// One operation as it lies encoded in a batch, a log record or a message:
/// <code>
/// tag      byte    bits 0-1 kind (1 put, 2 delete, 3 delete range); bit 2 has expiry; bit 3 has metadata;
///                  bits 4-5 condition (0 none, 1 absent, 2 present, 3 version is); bit 6 range without end; bit 7 zero
/// keyLen   varint  put and delete: the key; delete range: the start
/// valueLen varint  put: the value; delete range: the end; delete: not there
/// expiry   varint  when bit 2 is set: milliseconds since 1970-01-01 UTC
/// metaLen  varint  when bit 3 is set
/// version  varint  when the condition is "version is"
/// key, value or end, metadata bytes
/// </code>
/// A request is another layout:
/// <code>
/// tag      byte    0x80
/// client   8 bytes little-endian
/// number   varint  at least 1
/// back     varint  what "pending from" is lower than the number, less than it
/// </code>
/// </summary>
public readonly ref struct WriteOperation
{
    internal const byte ExpiryBit = 1 << 2;
    internal const byte MetadataBit = 1 << 3;
    internal const int ConditionShift = 4;
    internal const byte NoEndBit = 1 << 6;

    internal const byte RequestTag = 0x80;

    /// <summary>Most bytes of a request.</summary>
    internal const int RequestBytesMax = 1 + sizeof(ulong) + (2 * Varint.BytesMax64);

    /// <summary>Most bytes before the key.</summary>
    internal const int HeaderBytesMax = 1 + (5 * Varint.BytesMax64);

    public WriteOperationKind Kind { get; init; }

    /// <summary>The key; for a range its first key, possibly empty; for a request its bytes behind the tag.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    /// <summary>The value of a put; the end of a range (exclusive).</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    /// <summary>For a range: it goes to the end of all keys.</summary>
    public bool HasNoEnd { get; init; }

    public ReadOnlySpan<byte> Metadata { get; init; }

    /// <summary>Milliseconds since 1970-01-01 UTC at which a put ceases to exist; 0 means never.</summary>
    public long ExpiresAtMs { get; init; }

    public WriteCondition Condition { get; init; }

    /// <summary>Of an operation that is one: which request.</summary>
    public RequestId Request
    {
        get
        {
            var at = 0;
            return TryReadRequest(Key, ref at, out var request)
                ? request
                : throw new InvalidOperationException($"an operation of kind {Kind} names no request");
        }
    }

    /// <summary>Most bytes that <see cref="Encode"/> can write.</summary>
    public int EncodedBytesMax => HeaderBytesMax + Key.Length + Value.Length + Metadata.Length;

    /// <summary>Writes the operation at the start of <paramref name="to"/>; returns its length.</summary>
    public int Encode(Span<byte> to)
    {
        if (Kind == WriteOperationKind.Request)
        {
            to[0] = RequestTag;
            Key.CopyTo(to[1..]);
            return 1 + Key.Length;
        }

        var tag = (byte)Kind;
        tag |= ExpiresAtMs > 0 ? ExpiryBit : (byte)0;
        tag |= Metadata.Length > 0 ? MetadataBit : (byte)0;
        tag |= (byte)((int)Condition.Kind << ConditionShift);
        tag |= HasNoEnd ? NoEndBit : (byte)0;
        to[0] = tag;
        var at = 1 + Varint.Write(to[1..], (ulong)Key.Length);
        if (Kind != WriteOperationKind.Delete)
        {
            at += Varint.Write(to[at..], (ulong)Value.Length);
        }

        if (ExpiresAtMs > 0)
        {
            at += Varint.Write(to[at..], (ulong)ExpiresAtMs);
        }

        if (Metadata.Length > 0)
        {
            at += Varint.Write(to[at..], (ulong)Metadata.Length);
        }

        if (Condition.Kind == WriteCondition.Kinds.VersionIs)
        {
            at += Varint.Write(to[at..], Condition.Version);
        }

        Key.CopyTo(to[at..]);
        at += Key.Length;
        if (Kind != WriteOperationKind.Delete)
        {
            Value.CopyTo(to[at..]);
            at += Value.Length;
        }

        Metadata.CopyTo(to[at..]);
        return at + Metadata.Length;
    }

    /// <summary>
    /// Reads the operation at <paramref name="position"/> and moves past it; false, and the position unchanged, where
    /// the bytes make no operation: cut short, or with a key that no writer may use. Never throws.
    /// </summary>
    public static bool TryDecode(ReadOnlySpan<byte> from, scoped ref int position, out WriteOperation operation)
    {
        operation = default;
        var at = position;
        if ((uint)at >= (uint)from.Length)
        {
            return false;
        }

        var tag = from[at++];
        if (tag == RequestTag)
        {
            return TryDecodeRequest(from, ref position, out operation);
        }

        var kind = (WriteOperationKind)(tag & 3);
        ulong valueLength = 0, expiry = 0, metadataLength = 0, version = 0;
        var condition = (WriteCondition.Kinds)((tag >> ConditionShift) & 3);
        if (tag >= 0x80 || kind == 0
            || !Varint.TryRead(from, ref at, out var keyLength)
            || (kind != WriteOperationKind.Delete && !Varint.TryRead(from, ref at, out valueLength))
            || ((tag & ExpiryBit) != 0 && !Varint.TryRead(from, ref at, out expiry))
            || ((tag & MetadataBit) != 0 && !Varint.TryRead(from, ref at, out metadataLength))
            || (condition == WriteCondition.Kinds.VersionIs && !Varint.TryRead(from, ref at, out version))
            || keyLength > (ulong)(from.Length - at)
            || valueLength > (ulong)(from.Length - at) - keyLength
            || metadataLength > (ulong)(from.Length - at) - keyLength - valueLength
            || expiry > long.MaxValue
            || !IsSound(kind, (tag & NoEndBit) != 0, (int)keyLength, (int)valueLength))
        {
            return false;
        }

        var body = from[at..];
        operation = new WriteOperation
        {
            Kind = kind,
            Key = body[..(int)keyLength],
            Value = body.Slice((int)keyLength, (int)valueLength),
            Metadata = body.Slice((int)(keyLength + valueLength), (int)metadataLength),
            HasNoEnd = (tag & NoEndBit) != 0,
            ExpiresAtMs = (long)expiry,
            Condition = condition switch
            {
                WriteCondition.Kinds.Absent => WriteCondition.Absent,
                WriteCondition.Kinds.Present => WriteCondition.Present,
                WriteCondition.Kinds.VersionIs => WriteCondition.VersionIs(version),
                _ => WriteCondition.None,
            },
        };
        position = at + (int)(keyLength + valueLength + metadataLength);
        return true;
    }

    /// <summary>Writes a request at the start of <paramref name="to"/>; returns its length.</summary>
    internal static int EncodeRequest(Span<byte> to, in RequestId request)
    {
        to[0] = RequestTag;
        BinaryPrimitives.WriteUInt64LittleEndian(to[1..], request.Client);
        var at = 1 + sizeof(ulong);
        at += Varint.Write(to[at..], request.Number);
        return at + Varint.Write(to[at..], request.Number - request.PendingFrom);
    }

    private static bool TryDecodeRequest(
        ReadOnlySpan<byte> from, scoped ref int position, out WriteOperation operation)
    {
        operation = default;
        var at = position + 1;
        if (!TryReadRequest(from, ref at, out _))
        {
            return false;
        }

        operation = new WriteOperation { Kind = WriteOperationKind.Request, Key = from[(position + 1)..at] };
        position = at;
        return true;
    }

    /// <summary>Reads what is behind the tag.</summary>
    private static bool TryReadRequest(ReadOnlySpan<byte> from, scoped ref int at, out RequestId request)
    {
        request = default;
        if (from.Length - at < sizeof(ulong))
        {
            return false;
        }

        var client = BinaryPrimitives.ReadUInt64LittleEndian(from[at..]);
        at += sizeof(ulong);
        if (!Varint.TryRead(from, ref at, out var number) || !Varint.TryRead(from, ref at, out var back)
            || back >= number)
        {
            return false;
        }

        request = new RequestId(client, number, number - back);
        return true;
    }

    /// <summary>What the border checks of a batch's writer, checked again: the bytes may come from anywhere.</summary>
    private static bool IsSound(WriteOperationKind kind, bool hasNoEnd, int keyLength, int valueLength) =>
        keyLength <= Keys.Key.BytesMax
        && (kind == WriteOperationKind.DeleteRange
            ? valueLength <= (hasNoEnd ? 0 : Keys.Key.BytesMax)
            : keyLength > 0 && !hasNoEnd);
}
