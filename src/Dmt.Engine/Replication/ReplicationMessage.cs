// The messages between a main and its replicas. docs/formats/replication.md is the description:
//
//   magic u32 | version u16 | kind u16 | payload length u32 | CRC-32C of all before and of the payload, u32 | payload
//
// The payload is varints and length-prefixed bytes in the order of the fields below; the last field of a message that
// carries bulk (records, a piece of a table, a manifest) is the rest of it.
using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Dmt.Core;
using Dmt.Engine.Checksums;

namespace Dmt.Engine.Replication;

/// <summary>What a message is.</summary>
internal enum MessageKind : ushort
{
    /// <summary>Where the main is, and records, perhaps none.</summary>
    Records = 1,

    /// <summary>A piece of a table, for a replica that keeps its own copy.</summary>
    Table = 2,

    /// <summary>A manifest, for a replica that keeps its own copy.</summary>
    Manifest = 3,

    /// <summary>A question: where are you?</summary>
    Status = 4,

    /// <summary>The answer to each of these.</summary>
    Reply = 128,
}

/// <summary>What a main says to a replica. Every message says who speaks for which shard: the term.</summary>
internal sealed record ReplicationRequest
{
    public required MessageKind Kind { get; init; }

    public required uint Shard { get; init; }

    /// <summary>The main's epoch of the shard; 0 in a question.</summary>
    public ulong Epoch { get; init; }

    /// <summary>The main's incarnation.</summary>
    public string Incarnation { get; init; } = "";

    /// <summary>Where the main takes writes.</summary>
    public string Url { get; init; } = "";

    /// <summary>The position of the main's last operation.</summary>
    public ulong LastSequence { get; init; }

    /// <summary>
    /// Over folders the number of the main's newest manifest; in a bucket how often manifests had changed up to what
    /// the body says of that, 0 where it says nothing.
    /// </summary>
    public long ManifestNumber { get; init; }

    /// <summary>The replica is to read the bucket: the main has no longer what it lacks at hand.</summary>
    public bool CatchesUp { get; init; }

    /// <summary>Name of a table; empty in other messages.</summary>
    public string Name { get; init; } = "";

    /// <summary>
    /// Where the piece lies in the table, in bytes; the position of the first operation in the body; with CatchesUp the
    /// position up to which the bucket has everything.
    /// </summary>
    public long Offset { get; init; }

    /// <summary>Bytes of the whole table.</summary>
    public long Length { get; init; }

    /// <summary>Records as in a log; a piece of a table; a manifest.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }
}

/// <summary>How a replica takes a message.</summary>
internal enum ReplyStatus : byte
{
    /// <summary>Taken as far as it fitted; the reply says where the replica is now.</summary>
    Ok = 0,

    /// <summary>There is a newer main: whoever asked must not write any more.</summary>
    Fenced = 1,

    /// <summary>A manifest that names tables that are missing.</summary>
    TablesMissing = 2,

    /// <summary>It cannot take anything now.</summary>
    Refused = 3,
}

/// <summary>What a replica answers.</summary>
internal sealed record ReplicationReply
{
    public required ReplyStatus Status { get; init; }

    /// <summary>The epoch whose state it holds, or, with Fenced, that it obeys; 0 where it has nothing.</summary>
    public ulong Epoch { get; init; }

    public string Incarnation { get; init; } = "";

    /// <summary>The position up to which it has everything, durably where it keeps its own copy.</summary>
    public ulong LastSequence { get; init; }

    /// <summary>The main's <see cref="ReplicationRequest.ManifestNumber"/> that it took notice of.</summary>
    public long ManifestNumber { get; init; }

    /// <summary>Bytes of the table that it has so far.</summary>
    public long Offset { get; init; }

    /// <summary>Why, for people.</summary>
    public string Text { get; init; } = "";

    /// <summary>Who answers is a main itself.</summary>
    public bool IsMain { get; init; }

    public IReadOnlyList<string> Missing { get; init; } = [];
}

/// <summary>Encodes and decodes messages.</summary>
internal static class ReplicationMessage
{
    /// <summary>"DMTR", read as a little-endian number.</summary>
    public const uint Magic = 0x5254_4D44;

    public const ushort Version = 2;

    public const int HeaderBytes = 16;

    /// <summary>Longest message: the largest batch, and room.</summary>
    public const int BytesMax = (1 << 30) + (1 << 20);

    private const string Source = "a replication message";

    public static byte[] Encode(ReplicationRequest request)
    {
        var to = new ArrayBufferWriter<byte>(request.Body.Length + 512);
        to.Advance(Clear(to.GetSpan(HeaderBytes)[..HeaderBytes]));
        Number(to, request.Shard);
        Number(to, request.Epoch);
        Text(to, request.Incarnation);
        Text(to, request.Url);
        Number(to, request.LastSequence);
        Number(to, (ulong)request.ManifestNumber);
        Number(to, request.CatchesUp ? 1u : 0);
        Text(to, request.Name);
        Number(to, (ulong)request.Offset);
        Number(to, (ulong)request.Length);
        to.Write(request.Body.Span);
        return Finish(to, request.Kind);
    }

    public static byte[] Encode(ReplicationReply reply)
    {
        var to = new ArrayBufferWriter<byte>(256);
        to.Advance(Clear(to.GetSpan(HeaderBytes)[..HeaderBytes]));
        Number(to, (ulong)reply.Status);
        Number(to, reply.Epoch);
        Text(to, reply.Incarnation);
        Number(to, reply.LastSequence);
        Number(to, (ulong)reply.ManifestNumber);
        Number(to, (ulong)reply.Offset);
        Text(to, reply.Text);
        Number(to, reply.IsMain ? 1u : 0);
        Number(to, (ulong)reply.Missing.Count);
        foreach (var name in reply.Missing)
        {
            Text(to, name);
        }

        return Finish(to, MessageKind.Reply);
    }

    /// <exception cref="DmtException">Corruption; Unavailable where a newer DMT sent it.</exception>
    public static ReplicationRequest DecodeRequest(ReadOnlyMemory<byte> message)
    {
        var kind = ReadHeader(message.Span);
        if (kind is not (MessageKind.Records or MessageKind.Table or MessageKind.Manifest or MessageKind.Status))
        {
            throw DmtException.Corruption(Source, 6, $"kind {(int)kind} is none that is asked");
        }

        var at = HeaderBytes;
        var request = new ReplicationRequest
        {
            Kind = kind,
            Shard = (uint)ReadNumber(message.Span, ref at),
            Epoch = ReadNumber(message.Span, ref at),
            Incarnation = ReadText(message.Span, ref at),
            Url = ReadText(message.Span, ref at),
            LastSequence = ReadNumber(message.Span, ref at),
            ManifestNumber = (long)ReadNumber(message.Span, ref at),
            CatchesUp = ReadNumber(message.Span, ref at) != 0,
            Name = ReadText(message.Span, ref at),
            Offset = (long)ReadNumber(message.Span, ref at),
            Length = (long)ReadNumber(message.Span, ref at),
        };
        return request with { Body = message[at..] };
    }

    /// <exception cref="DmtException">Corruption; Unavailable where a newer DMT sent it.</exception>
    public static ReplicationReply DecodeReply(ReadOnlySpan<byte> message)
    {
        if (ReadHeader(message) is var kind && kind != MessageKind.Reply)
        {
            throw DmtException.Corruption(Source, 6, $"kind {(int)kind} is no reply");
        }

        var at = HeaderBytes;
        var reply = new ReplicationReply
        {
            Status = (ReplyStatus)ReadNumber(message, ref at),
            Epoch = ReadNumber(message, ref at),
            Incarnation = ReadText(message, ref at),
            LastSequence = ReadNumber(message, ref at),
            ManifestNumber = (long)ReadNumber(message, ref at),
            Offset = (long)ReadNumber(message, ref at),
            Text = ReadText(message, ref at),
            IsMain = ReadNumber(message, ref at) != 0,
        };
        var missing = new List<string>();
        for (var left = ReadNumber(message, ref at); left > 0; left--)
        {
            missing.Add(ReadText(message, ref at));
        }

        return reply with { Missing = missing };
    }

    private static byte[] Finish(ArrayBufferWriter<byte> to, MessageKind kind)
    {
        var whole = to.WrittenSpan.ToArray();
        BinaryPrimitives.WriteUInt32LittleEndian(whole, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(whole.AsSpan(4), Version);
        BinaryPrimitives.WriteUInt16LittleEndian(whole.AsSpan(6), (ushort)kind);
        BinaryPrimitives.WriteInt32LittleEndian(whole.AsSpan(8), whole.Length - HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(12), Checksum(whole));
        return whole;
    }

    private static MessageKind ReadHeader(ReadOnlySpan<byte> message)
    {
        if (message.Length < HeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(message) != Magic)
        {
            throw DmtException.Corruption(Source, 0, "it does not begin as one");
        }

        if (BinaryPrimitives.ReadInt32LittleEndian(message[8..]) != message.Length - HeaderBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(message[12..]) != Checksum(message))
        {
            throw DmtException.Corruption(Source, 12, "its length or its checksum is wrong");
        }

        var version = BinaryPrimitives.ReadUInt16LittleEndian(message[4..]);
        return version == Version
            ? (MessageKind)BinaryPrimitives.ReadUInt16LittleEndian(message[6..])
            : throw DmtException.Unavailable(
                $"the other side speaks version {version} of replication, this one {Version}: run the same DMT on "
                    + $"both");
    }

    private static uint Checksum(ReadOnlySpan<byte> message) =>
        Crc32C.Append(Crc32C.Compute(message[..12]), message[HeaderBytes..]);

    private static int Clear(Span<byte> header)
    {
        header.Clear();
        return header.Length;
    }

    private static void Number(ArrayBufferWriter<byte> to, ulong value) =>
        to.Advance(Varint.Write(to.GetSpan(Varint.BytesMax64), value));

    private static void Text(ArrayBufferWriter<byte> to, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Number(to, (ulong)bytes.Length);
        to.Write(bytes);
    }

    private static ulong ReadNumber(ReadOnlySpan<byte> from, ref int at) =>
        Varint.TryRead(from, ref at, out var value)
            ? value
            : throw DmtException.Corruption(Source, at, "it ends early");

    private static string ReadText(ReadOnlySpan<byte> from, ref int at)
    {
        var length = ReadNumber(from, ref at);
        if (length > (ulong)(from.Length - at))
        {
            throw DmtException.Corruption(Source, at, "it ends early");
        }

        at += (int)length;
        return Encoding.UTF8.GetString(from[(at - (int)length)..at]);
    }
}
