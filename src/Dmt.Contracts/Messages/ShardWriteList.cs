using System.Buffers.Binary;
using Dmt.Contracts.Surrogates;
using Dmt.Core;

namespace Dmt.Contracts.Messages;

/// <summary>Writes that have nothing to do with each other, in one piece.</summary>
[GenerateSerializer, Immutable, Alias("dmt.shard-write-list")]
public readonly record struct ShardWriteList
{
    private const byte HasMetadata = 1;
    private const byte HasTimeToLive = 2;
    private const byte HasCondition = 4;
    private const byte HasDurability = 8;
    private const byte HasRequest = 16;

    [Id(0)]
    public int Count { get; init; }

    /// <summary>
    /// Of each its kind, a byte of flags, its key, its value, and what the flags say: metadata, ticks to live, a
    /// condition's kind and version, a durability's text, a request's client, number and lowest pending number.
    /// </summary>
    [Id(1)]
    public ReadOnlyMemory<byte> Encoded { get; init; }

    public static ShardWriteList Of(ReadOnlySpan<ShardWrite> writes)
    {
        var bytes = 0;
        foreach (ref readonly var write in writes)
        {
            bytes += write.Key.Length + write.Value.Length + write.Metadata.Length + 32;
        }

        var to = new FlatWriter(bytes);
        foreach (ref readonly var write in writes)
        {
            Write(to, write);
        }

        return new ShardWriteList { Count = writes.Length, Encoded = to.Written };
    }

    /// <summary>The writes; their keys and values are parts of the message, not copies.</summary>
    /// <exception cref="DmtException">InvalidArgument where that is not what it holds.</exception>
    public ShardWrite[] ToArray()
    {
        var from = new FlatReader(Encoded, "a list of writes");
        var writes = from.Array<ShardWrite>(Count);
        for (var i = 0; i < writes.Length; i++)
        {
            writes[i] = Read(ref from);
        }

        return writes;
    }

    private static void Write(FlatWriter to, in ShardWrite write)
    {
        var hasCondition = write.Condition.Kind != WriteCondition.Kinds.None;
        to.Byte((byte)write.Kind);
        to.Byte((byte)((write.Metadata.IsEmpty ? 0 : HasMetadata)
            | (write.TimeToLive is null ? 0 : HasTimeToLive)
            | (hasCondition ? HasCondition : 0)
            | (write.Durability is null ? 0 : HasDurability)
            | (write.Request is null ? 0 : HasRequest)));
        to.Bytes(write.Key.Span);
        to.Bytes(write.Value.Span);
        if (!write.Metadata.IsEmpty)
        {
            to.Bytes(write.Metadata.Span);
        }

        if (write.TimeToLive is { } timeToLive)
        {
            to.Number((ulong)timeToLive.Ticks);
        }

        if (hasCondition)
        {
            to.Byte((byte)write.Condition.Kind);
            to.Number(write.Condition.Version);
        }

        if (write.Durability is { } durability)
        {
            to.Text(durability.ToString());
        }

        if (write.Request is { } request)
        {
            Span<byte> client = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(client, request.Client);
            to.Bytes(client);
            to.Number(request.Number);
            to.Number(request.PendingFrom);
        }
    }

    private static ShardWrite Read(ref FlatReader from)
    {
        var kind = (ShardWriteKind)from.Byte();
        var flags = from.Byte();
        return new ShardWrite
        {
            Kind = kind,
            Key = from.Bytes(),
            Value = from.Bytes(),
            Metadata = (flags & HasMetadata) != 0 ? from.Bytes() : default,
            TimeToLive = (flags & HasTimeToLive) != 0 ? TimeSpan.FromTicks((long)from.Number()) : null,
            Condition = (flags & HasCondition) != 0
                ? WriteConditionConverter.Of((WriteCondition.Kinds)from.Byte(), from.Number()) : default,
            Durability = (flags & HasDurability) != 0 ? Durability.Parse(from.Text()) : null,
            Request = (flags & HasRequest) != 0 ? ReadRequest(ref from) : null,
        };
    }

    private static RequestId ReadRequest(ref FlatReader from)
    {
        var client = from.Bytes().Span;
        return client.Length == sizeof(ulong)
            ? new RequestId(BinaryPrimitives.ReadUInt64LittleEndian(client), from.Number(), from.Number())
            : throw DmtException.InvalidArgument($"a request's client has {client.Length} bytes: expected 8");
    }
}
