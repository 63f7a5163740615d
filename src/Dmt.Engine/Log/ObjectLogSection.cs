using System.Buffers;

namespace Dmt.Engine.Log;

/// <summary>The records of one shard in a batch that is being filled. Batches are large, and there are many a second:
/// their memory is used again.</summary>
internal sealed class ObjectLogSection(uint shard)
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(1024);

    public uint Shard => shard;

    public int Length { get; private set; }

    public ulong FirstSequence { get; private set; }

    public ulong LastSequence { get; private set; }

    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, Length);

    /// <summary>Room for so many bytes at the end.</summary>
    public Span<byte> Prepare(int bytesMax)
    {
        if (_buffer.Length - Length < bytesMax)
        {
            var larger = ArrayPool<byte>.Shared.Rent(
                (int)Math.Min(Array.MaxLength, Math.Max(2L * _buffer.Length, (long)Length + bytesMax)));
            Bytes.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        return _buffer.AsSpan(Length);
    }

    /// <summary>Counts in what was written into the room.</summary>
    public void Commit(int bytes, ulong firstSequence, int count)
    {
        FirstSequence = Length == 0 ? firstSequence : FirstSequence;
        LastSequence = firstSequence + (ulong)count - 1;
        Length += bytes;
    }

    /// <summary>Gives the memory back: nothing is read or written any more.</summary>
    public void Release()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, Length) = ([], 0);
    }
}
