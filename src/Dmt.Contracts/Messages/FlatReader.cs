using System.Text;
using Dmt.Core;

namespace Dmt.Contracts.Messages;

/// <summary>Reads what a <see cref="FlatWriter"/> wrote.</summary>
/// <param name="from">All of it.</param>
/// <param name="what">What it is, for errors.</param>
internal struct FlatReader(ReadOnlyMemory<byte> from, string what)
{
    private int _at;

    /// <exception cref="DmtException">InvalidArgument where it ends early; so do all the others.</exception>
    public byte Byte() => _at < from.Length ? from.Span[_at++] : throw Short();

    public ulong Number() => Varint.TryRead(from.Span, ref _at, out var value) ? value : throw Short();

    /// <summary>A part of what is read, not a copy.</summary>
    public ReadOnlyMemory<byte> Bytes()
    {
        var length = Number();
        if (length > (ulong)(from.Length - _at))
        {
            throw Short();
        }

        _at += (int)length;
        return from.Slice(_at - (int)length, (int)length);
    }

    public string Text() => Encoding.UTF8.GetString(Bytes().Span);

    /// <summary>Room for so many of what takes a byte at least.</summary>
    public readonly T[] Array<T>(int count) => count >= 0 && count <= from.Length ? new T[count] : throw Short();

    private readonly DmtException Short() => DmtException.InvalidArgument(
        $"{what} of {from.Length} bytes ends early: the other side is of another version");
}
