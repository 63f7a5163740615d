using System.Buffers.Binary;
using Dmt.Core;

namespace Dmt.Engine.Tables;

/// <summary>Collects sorted entries into the bytes of one data block; see <see cref="BlockFormat"/>.</summary>
internal sealed class BlockBuilder(ulong sequenceBase)
{
    private readonly List<int> _restarts = [];
    private readonly byte[] _lastKey = new byte[Core.Keys.Key.BytesMax];
    private byte[] _buffer = new byte[8192];
    private int _length;
    private int _lastKeyLength;
    private int _sinceRestart;

    public int Count { get; private set; }

    /// <summary>Bytes that the block would have if it were finished now.</summary>
    public int Bytes => _length + ((_restarts.Count + 1) * sizeof(uint));

    public ReadOnlySpan<byte> LastKey => _lastKey.AsSpan(0, _lastKeyLength);

    public void Add(in EntryData entry)
    {
        EnsureRoom((6 * Varint.BytesMax64) + entry.Key.Length + entry.Value.Length + entry.Metadata.Length + 1);
        var shared = 0;
        if (Count == 0 || _sinceRestart == BlockFormat.RestartInterval)
        {
            _restarts.Add(_length);
            _sinceRestart = 0;
        }
        else
        {
            shared = entry.Key.CommonPrefixLength(LastKey);
        }

        _length += Encode(_buffer.AsSpan(_length), entry, shared);
        entry.Key[shared..].CopyTo(_lastKey.AsSpan(shared));
        _lastKeyLength = entry.Key.Length;
        _sinceRestart++;
        Count++;
    }

    /// <summary>Closes the block. The bytes are good until <see cref="Clear"/>.</summary>
    public ReadOnlyMemory<byte> Finish()
    {
        EnsureRoom((_restarts.Count + 1) * sizeof(uint));
        foreach (var restart in _restarts)
        {
            BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(_length), restart);
            _length += sizeof(uint);
        }

        BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(_length), _restarts.Count);
        _length += sizeof(uint);
        return _buffer.AsMemory(0, _length);
    }

    public void Clear()
    {
        _restarts.Clear();
        (_length, _lastKeyLength, _sinceRestart, Count) = (0, 0, 0, 0);
    }

    private int Encode(Span<byte> to, in EntryData entry, int shared)
    {
        var unshared = entry.Key.Length - shared;
        var at = Varint.Write(to, (ulong)shared);
        at += Varint.Write(to[at..], (ulong)unshared);
        to[at++] = (byte)((byte)entry.Kind
            | (entry.ExpiresAtMs > 0 ? BlockFormat.ExpiryBit : 0)
            | (entry.Metadata.Length > 0 ? BlockFormat.MetadataBit : 0));
        at += Varint.Write(to[at..], entry.Sequence - sequenceBase);
        if (entry.Kind == EntryKind.Put)
        {
            at += Varint.Write(to[at..], (ulong)entry.Value.Length);
        }

        if (entry.ExpiresAtMs > 0)
        {
            at += Varint.Write(to[at..], (ulong)entry.ExpiresAtMs);
        }

        if (entry.Metadata.Length > 0)
        {
            at += Varint.Write(to[at..], (ulong)entry.Metadata.Length);
        }

        entry.Key[shared..].CopyTo(to[at..]);
        at += unshared;
        entry.Value.CopyTo(to[at..]);
        at += entry.Value.Length;
        entry.Metadata.CopyTo(to[at..]);
        return at + entry.Metadata.Length;
    }

    private void EnsureRoom(int bytes)
    {
        if (_buffer.Length - _length < bytes)
        {
            Array.Resize(ref _buffer, checked((int)Math.Max(_buffer.Length * 2L, _length + (long)bytes)));
        }
    }
}
