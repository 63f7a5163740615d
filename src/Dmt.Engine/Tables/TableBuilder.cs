// Writes one table, entry by entry in order (keys up, versions of a key newest first). Finished blocks gather in a
// buffer; the owner calls FlushAsync whenever NeedsFlush says so, which keeps the per-entry path synchronous and free
// of allocation.
using System.Buffers;
using System.Buffers.Binary;
using Dmt.Core;
using Dmt.Engine.Checksums;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Tables;

internal sealed class TableBuilder : IAsyncDisposable
{
    private const int FlushBytes = 1 << 20;

    private readonly TableId _id;
    private readonly EngineOptions _options;
    private readonly ulong _sequenceBase;
    private readonly long _createdAtMs;
    private readonly IObjectWriter _writer;
    private readonly BlockBuilder _block;
    private readonly FilterBuilder _filter;
    private readonly ArrayBufferWriter<byte> _output;
    private readonly ArrayBufferWriter<byte> _index = new();
    private readonly List<RangeTombstone> _rangeTombstones = [];
    private byte[] _lastKey = [];
    private byte[]? _smallest;
    private bool _separatorPending;
    private int _pendingBlockLength;
    private long _written;
    private long _entries;
    private long _tombstones;
    private long _rawBytes;
    private int _blocks;
    private ulong _sequenceMin = ulong.MaxValue;
    private ulong _sequenceMax;

    /// <param name="objects">Where it is written.</param>
    /// <param name="id">Its name.</param>
    /// <param name="options">Block size, filter, compression.</param>
    /// <param name="sequenceBase">No entry has a lower sequence number.</param>
    /// <param name="createdAtMs">Milliseconds since 1970-01-01 UTC.</param>
    public TableBuilder(IObjectStore objects, TableId id, EngineOptions options, ulong sequenceBase, long createdAtMs)
    {
        (_id, _options, _sequenceBase, _createdAtMs) = (id, options, sequenceBase, createdAtMs);
        _writer = objects.OpenWrite(id.ObjectName);
        _block = new BlockBuilder(sequenceBase);
        _filter = new FilterBuilder(options.FilterBitsPerKey);
        _output = new ArrayBufferWriter<byte>(
            (int)Math.Min(FlushBytes, options.TableBytes) + (options.BlockBytes * 2) + 1024);
    }

    /// <summary>Bytes of data blocks so far, the open one included.</summary>
    public long DataBytes => _written + _output.WrittenCount + _block.Bytes;

    /// <summary>The key added last.</summary>
    public ReadOnlySpan<byte> LastKey => _lastKey;

    public bool NeedsFlush => _output.WrittenCount >= FlushBytes;

    public bool IsEmpty => _entries == 0 && _rangeTombstones.Count == 0;

    public void Add(in EntryData entry)
    {
        var newKey = _entries == 0 || !entry.Key.SequenceEqual(_lastKey);
        if (newKey)
        {
            if (_separatorPending)
            {
                WriteIndexEntry(ShortestSeparator(_lastKey, entry.Key));
            }

            _smallest ??= entry.Key.ToArray();
            _filter.Add(entry.Key);
            SetLastKey(entry.Key);
        }
        else if (_separatorPending)
        {
            WriteIndexEntry(_lastKey);
        }

        _block.Add(entry);
        _entries++;
        _tombstones += entry.Kind == EntryKind.Tombstone ? 1 : 0;
        _rawBytes += entry.Key.Length + entry.Value.Length + entry.Metadata.Length;
        NoteSequence(entry.Sequence);
        if (_block.Bytes >= _options.BlockBytes)
        {
            CloseBlock();
        }
    }

    public void Add(RangeTombstone tombstone)
    {
        _rangeTombstones.Add(tombstone);
        NoteSequence(tombstone.Sequence);
    }

    /// <summary>Hands the finished blocks to the object store.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        await _writer.WriteAsync(_output.WrittenMemory, cancellationToken).ConfigureAwait(false);
        _written += _output.WrittenCount;
        _output.ResetWrittenCount();
    }

    /// <summary>Writes the tail; the table is durable when this returns. It must not be empty.</summary>
    public async ValueTask<TableInfo> CompleteAsync(CancellationToken cancellationToken)
    {
        if (_block.Count > 0)
        {
            CloseBlock();
        }

        if (_separatorPending)
        {
            WriteIndexEntry(_lastKey);
        }

        await FlushAsync(cancellationToken).ConfigureAwait(false);
        var tailOffset = WriteTail();
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        await _writer.CompleteAsync(cancellationToken).ConfigureAwait(false);
        return Describe(tailOffset);
    }

    public ValueTask DisposeAsync() => _writer.DisposeAsync();

    private long WriteTail()
    {
        var tailOffset = _written;
        var (filter, prefixLength) = _filter.Finish();
        WriteSection(filter);
        var indexOffset = _written + _output.WrittenCount;
        var count = new byte[Varint.BytesMax32];
        WriteSection([.. count.AsSpan(0, Varint.Write(count, (ulong)_blocks)), .. _index.WrittenSpan]);
        var rangesOffset = _written + _output.WrittenCount;
        WriteSection(EncodeRangeTombstones());
        var propertiesOffset = _written + _output.WrittenCount;
        WriteSection(new TableProperties(
            _sequenceBase, _sequenceMax, _entries, _tombstones, _rawBytes, prefixLength, _createdAtMs).Encode());
        new TableFormat.Footer(tailOffset, indexOffset, rangesOffset, propertiesOffset)
            .Write(_output.GetSpan(TableFormat.FooterBytes));
        _output.Advance(TableFormat.FooterBytes);
        return tailOffset;
    }

    private TableInfo Describe(long tailOffset)
    {
        var (smallest, largest, unbounded) = (_smallest, _entries > 0 ? _lastKey : null, false);
        foreach (var tombstone in _rangeTombstones)
        {
            smallest = smallest is null || tombstone.Start.AsSpan().SequenceCompareTo(smallest) < 0 ? tombstone.Start
                : smallest;
            unbounded |= tombstone.End is null;
            largest = tombstone.End is { } end && (largest is null || end.AsSpan().SequenceCompareTo(largest) > 0) ? end
                : largest;
        }

        return new TableInfo
        {
            Id = _id,
            Length = _written,
            TailOffset = tailOffset,
            Smallest = smallest ?? [],
            Largest = largest ?? [],
            LargestUnbounded = unbounded,
            SequenceMin = _sequenceMin,
            SequenceMax = _sequenceMax,
            Entries = _entries,
            Tombstones = _tombstones,
            RangeTombstones = _rangeTombstones.Count,
        };
    }

    private void CloseBlock()
    {
        var block = _block.Finish();
        var stored = BlockCodec.Store(
            block.Span, _options.Compression, _output.GetSpan(block.Length + sizeof(int) + BlockFormat.TrailerBytes));
        _output.Advance(stored);
        _block.Clear();
        _separatorPending = true;
        _pendingBlockLength = stored;
        _blocks++;
    }

    private void WriteIndexEntry(ReadOnlySpan<byte> separator)
    {
        var to = _index.GetSpan(separator.Length + (2 * Varint.BytesMax32));
        var at = Varint.Write(to, (ulong)separator.Length);
        separator.CopyTo(to[at..]);
        at += separator.Length;
        at += Varint.Write(to[at..], (ulong)_pendingBlockLength);
        _index.Advance(at);
        _separatorPending = false;
    }

    private void WriteSection(ReadOnlySpan<byte> section)
    {
        _output.Write(section);
        BinaryPrimitives.WriteUInt32LittleEndian(_output.GetSpan(sizeof(uint)), Crc32C.Compute(section));
        _output.Advance(sizeof(uint));
    }

    private byte[] EncodeRangeTombstones()
    {
        var to = new ArrayBufferWriter<byte>();
        WriteVarint((ulong)_rangeTombstones.Count);
        foreach (var tombstone in _rangeTombstones)
        {
            WriteVarint((ulong)tombstone.Start.Length);
            to.Write(tombstone.Start);
            WriteVarint(tombstone.End is null ? 0 : (ulong)tombstone.End.Length + 1);
            to.Write(tombstone.End);
            WriteVarint(tombstone.Sequence);
        }

        return to.WrittenSpan.ToArray();

        void WriteVarint(ulong value) => to.Advance(Varint.Write(to.GetSpan(Varint.BytesMax64), value));
    }

    private void NoteSequence(ulong sequence)
    {
        _sequenceMin = Math.Min(_sequenceMin, sequence);
        _sequenceMax = Math.Max(_sequenceMax, sequence);
    }

    private void SetLastKey(ReadOnlySpan<byte> key)
    {
        if (_lastKey.Length != key.Length)
        {
            _lastKey = new byte[key.Length];
        }

        key.CopyTo(_lastKey);
    }

    /// <summary>
    /// The shortest key that is not lower than <paramref name="last"/> and lower than <paramref name="next"/>.
    /// </summary>
    private static ReadOnlySpan<byte> ShortestSeparator(ReadOnlySpan<byte> last, ReadOnlySpan<byte> next)
    {
        var shared = last.CommonPrefixLength(next);

        // A prefix of `next` one byte longer than what they share is above `last`; it is below `next` only if `next`
        // goes on.
        return shared + 1 < next.Length && shared + 1 < last.Length ? next[..(shared + 1)] : last;
    }
}
