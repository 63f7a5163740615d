// The newest records, encoded as in a log, for the replicas that are nearly up to date. Operations are counted as they
// come, whatever shard they are of: their position. (Of one shard alone, counted from its last operation on, it is the
// sequence number.) Writers append under a lock; a chunk's bytes never change below its length, so a reader takes
// pieces under the lock and copies them after.
// When the buffer is full its oldest chunk goes, whoever may still want it: a slow replica never holds a writer up.
using System.Buffers;
using Dmt.Core;
using Dmt.Engine.Log;

namespace Dmt.Engine.Replication;

internal sealed class ShipmentBuffer(long bytesMax)
{
    private const int ChunkBytes = 64 << 10; // below the size from which arrays live in a heap of their own

    private readonly Lock _lock = new(); // guards everything
    private readonly List<Chunk> _chunks = [];
    private long _bytes;
    private ulong _last;

    /// <summary>The last operation that was written, in the buffer or not.</summary>
    public ulong Last => Volatile.Read(ref _last);

    /// <summary>What was written before the first record of the buffer.</summary>
    public void Start(ulong last) => Volatile.Write(ref _last, last);

    public void Add(uint shard, ulong epoch, ulong firstSeq, int count, ReadOnlySpan<byte> operations)
    {
        lock (_lock)
        {
            var chunk = ChunkFor(LogFormat.RecordHeadBytesMax + operations.Length);
            var to = chunk.Bytes.AsSpan(chunk.Length);
            var head = LogFormat.WriteRecordHead(to, shard, epoch, firstSeq, count);
            operations.CopyTo(to[head..]);
            LogFormat.WriteRecordLength(to, operations.Length);
            Commit(chunk, head + operations.Length, count);
        }
    }

    public void Add(uint shard, ulong epoch, ulong firstSeq, in WriteOperation operation)
    {
        lock (_lock)
        {
            var chunk = ChunkFor(LogFormat.RecordHeadBytesMax + operation.EncodedBytesMax);
            var to = chunk.Bytes.AsSpan(chunk.Length);
            var head = LogFormat.WriteRecordHead(to, shard, epoch, firstSeq, 1);
            var length = operation.Encode(to[head..]);
            LogFormat.WriteRecordLength(to, length);
            Commit(chunk, head + length, 1);
        }
    }

    /// <summary>
    /// Records from a position on, which is that of the first operation of a record: as many as fit, at least one where
    /// there is one.
    /// </summary>
    /// <returns>False when they are not here any more.</returns>
    public bool TryCollect(ulong from, int batchBytesMax, out byte[] records)
    {
        var pieces = new List<ReadOnlyMemory<byte>>();
        lock (_lock)
        {
            records = [];
            if (from > _last)
            {
                return true;
            }

            var index = _chunks.FindLastIndex(chunk => chunk.First <= from);
            if (index < 0 || _chunks[index].OffsetOf(from) is not { } offset)
            {
                return false;
            }

            for (var length = 0; index < _chunks.Count; index++, offset = 0)
            {
                var chunk = _chunks[index];
                var piece = chunk.Bytes.AsMemory(offset, chunk.Length - offset);
                if (length > 0 && length + piece.Length > batchBytesMax)
                {
                    break;
                }

                length += piece.Length;
                pieces.Add(piece);
            }
        }

        var to = new ArrayBufferWriter<byte>(Math.Max(1, pieces.Sum(static piece => piece.Length)));
        foreach (var piece in pieces)
        {
            to.Write(piece.Span);
        }

        records = to.WrittenSpan.ToArray();
        return true;
    }

    private Chunk ChunkFor(int recordBytesMax)
    {
        if (_chunks.Count == 0 || _chunks[^1].Bytes.Length - _chunks[^1].Length < recordBytesMax)
        {
            var chunk = new Chunk(Math.Max(ChunkBytes, recordBytesMax), _last + 1);
            _chunks.Add(chunk);
            _bytes += chunk.Bytes.Length;
            while (_bytes > bytesMax && _chunks.Count > 1)
            {
                _bytes -= _chunks[0].Bytes.Length;
                _chunks.RemoveAt(0);
            }
        }

        return _chunks[^1];
    }

    private void Commit(Chunk chunk, int bytes, int count)
    {
        chunk.Length += bytes;
        Volatile.Write(ref _last, _last + (ulong)count);
    }

    private sealed class Chunk(int capacity, ulong first)
    {
        public byte[] Bytes { get; } = new byte[capacity];

        public ulong First => first;

        public int Length { get; set; }

        /// <summary>Where the record that begins with the position lies; null where none does.</summary>
        public int? OffsetOf(ulong position)
        {
            var next = first;
            for (var at = 0; at < Length && next <= position;)
            {
                if (next == position)
                {
                    return at;
                }

                LogFormat.TryReadRecord(Bytes.AsSpan(0, Length), ref at, string.Empty, 0, 0, out var record);
                next += (ulong)record.Count;
            }

            return null;
        }
    }
}
