using System.Buffers;
using System.Text;
using Dmt.Core;

namespace Dmt.Contracts.Messages;

/// <summary>
/// Puts what a message has hundreds of into one piece of bytes: as objects with fields, each costs the serializer more
/// than the shard takes to look it up.
/// </summary>
internal sealed class FlatWriter(int capacity)
{
    private readonly ArrayBufferWriter<byte> _to = new(Math.Max(capacity, 64));

    public ReadOnlyMemory<byte> Written => _to.WrittenMemory;

    public void Byte(byte value)
    {
        _to.GetSpan(1)[0] = value;
        _to.Advance(1);
    }

    public void Number(ulong value) => _to.Advance(Varint.Write(_to.GetSpan(Varint.BytesMax64), value));

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Number((ulong)value.Length);
        _to.Write(value);
    }

    public void Text(string value) => Bytes(Encoding.UTF8.GetBytes(value));
}
