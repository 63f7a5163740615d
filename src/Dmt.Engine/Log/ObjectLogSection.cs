namespace Dmt.Engine.Log;

/// <summary>The records of one shard in a batch that is being filled.</summary>
internal sealed class ObjectLogSection(uint shard)
{
    private byte[] _buffer = new byte[1024];

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
            Array.Resize(
                ref _buffer, (int)Math.Min(Array.MaxLength, Math.Max(2L * _buffer.Length, (long)Length + bytesMax)));
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
}
