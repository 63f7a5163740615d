// Values lie in managed cells; the tree's payload is the number of a cell. A cell is written once before it is
// published. Replacing a value takes a new cell, and the old one is cleared and used again only when no reader can be
// looking at it, so a reader never sees half of a large struct.
using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Dmt.Core.Keys;

namespace Dmt.Core.Trie;

/// <summary>
/// An ordered, prefix-searchable map in memory: keys of 0 to 1,024 bytes (text as UTF-8), ordered bytewise. Safe for
/// concurrent use: writers wait for each other, readers wait for nobody. Enumerations see what is there throughout, and
/// may or may not see what changes meanwhile; one that is not run to its end must be disposed (foreach does).
/// </summary>
public sealed class RadixMap<TValue> : IEnumerable<KeyValuePair<string, TValue>>, IDisposable
{
    private const int CellsPerBlock = 256;

    private readonly RadixTree _tree = new();

    /// <summary>Guards the tree's writer side and the free cells.</summary>
    private readonly Lock _writing = new();
    private readonly Stack<ulong> _freeCells = new();
    private TValue[][] _blocks = [];
    private ulong _cellCount;

    /// <summary>How many keys there are.</summary>
    public long Count => _tree.Count;

    /// <summary>Unmanaged memory of the keys and the tree, bytes; the values come on top.</summary>
    public long MemoryBytes => _tree.Arena.BytesReserved;

    /// <summary>Sets the value of a key.</summary>
    /// <returns>True when the key is new, false when its value was replaced.</returns>
    /// <exception cref="DmtException">
    /// TooLarge over 1,024 bytes; InvalidArgument for text that is not valid Unicode; Closed after Dispose.
    /// </exception>
    public bool Insert(string key, TValue value) => Insert(Key.PrefixFromText(key), value);

    /// <inheritdoc cref="Insert(string, TValue)"/>
    public bool Insert(ReadOnlySpan<byte> key, TValue value)
    {
        Key.ValidatePrefix(key);
        lock (_writing)
        {
            var cell = TakeCell(value);
            ref var place = ref _tree.GetOrAdd(key, cell, out var added);
            if (!added)
            {
                var replaced = place;
                Volatile.Write(ref place, cell);
                RetireCell(replaced);
            }

            return added;
        }
    }

    /// <summary>The value of a key.</summary>
    /// <exception cref="KeyNotFoundException">The key is not there.</exception>
    public TValue Get(string key) =>
        TryGet(key, out var value) ? value : throw new KeyNotFoundException($"there is no key '{key}'");

    public bool TryGet(string key, [MaybeNullWhen(false)] out TValue value) =>
        TryGet(Key.PrefixFromText(key), out value);

    public bool TryGet(ReadOnlySpan<byte> key, [MaybeNullWhen(false)] out TValue value)
    {
        using var reading = _tree.Epochs.Enter();
        var found = _tree.TryGet(key, out var cell);
        value = found ? Read(cell) : default;
        return found;
    }

    /// <summary>Removes a key.</summary>
    /// <returns>False when it was not there.</returns>
    public bool Delete(string key) => Delete(Key.PrefixFromText(key));

    /// <inheritdoc cref="Delete(string)"/>
    public bool Delete(ReadOnlySpan<byte> key)
    {
        lock (_writing)
        {
            // No other writer: what is found is what is deleted.
            if (!_tree.TryGet(key, out var cell))
            {
                return false;
            }

            _tree.Delete(key);
            RetireCell(cell);
            return true;
        }
    }

    /// <summary>
    /// The longest key that <paramref name="text"/> begins with, and its value; null where there is none.
    /// </summary>
    public KeyValuePair<string, TValue>? LongestPrefix(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        using var reading = _tree.Epochs.Enter();
        return _tree.TryLongestPrefix(bytes, out var length, out var cell)
            ? new(Encoding.UTF8.GetString(bytes, 0, length), Read(cell))
            : null;
    }

    /// <summary>All pairs in order of keys. Keys that are not UTF-8 come with replacement characters.</summary>
    public IEnumerator<KeyValuePair<string, TValue>> GetEnumerator() =>
        Walk(default, null, reverse: false).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The pairs whose keys begin with <paramref name="prefix"/>, in order.</summary>
    public IEnumerable<KeyValuePair<string, TValue>> Prefix(string prefix)
    {
        var range = KeyRange.Prefix(Key.PrefixFromText(prefix));
        return Walk(range.Start, range.End, reverse: false);
    }

    /// <summary>
    /// The pairs from <paramref name="from"/>, inclusive, to <paramref name="to"/>, exclusive, in order.
    /// </summary>
    /// <param name="from">First key; it need not exist.</param>
    /// <param name="to">First key that does not belong; null: to the end.</param>
    public IEnumerable<KeyValuePair<string, TValue>> Range(string from, string? to)
    {
        ReadOnlyMemory<byte>? end = to is null ? default(ReadOnlyMemory<byte>?) : Key.PrefixFromText(to);
        return Walk(Key.PrefixFromText(from), end, reverse: false);
    }

    /// <summary>All pairs, the last key first.</summary>
    public IEnumerable<KeyValuePair<string, TValue>> Reverse() => Walk(default, null, reverse: true);

    /// <summary>Frees all keys and values. Nothing may be called any more.</summary>
    public void Dispose()
    {
        lock (_writing)
        {
            _tree.Dispose();
        }
    }

    private IEnumerable<KeyValuePair<string, TValue>> Walk(
        ReadOnlyMemory<byte> from, ReadOnlyMemory<byte>? to, bool reverse)
    {
        using var cursor = _tree.CreateCursor();
        for (var more = reverse ? cursor.SeekLast() : cursor.Seek(from.Span);
            more && (to is not { } end || cursor.Key.SequenceCompareTo(end.Span) < 0);
            more = reverse ? cursor.MovePrev() : cursor.MoveNext())
        {
            yield return new(Encoding.UTF8.GetString(cursor.Key), Read(cursor.Value));
        }
    }

    private TValue Read(ulong cell) =>
        Volatile.Read(ref _blocks)[cell / CellsPerBlock][cell % CellsPerBlock];

    private ulong TakeCell(TValue value)
    {
        _tree.Epochs.TryReclaim();
        if (!_freeCells.TryPop(out var cell))
        {
            cell = _cellCount;
            if (cell == (ulong)_blocks.Length * CellsPerBlock)
            {
                // Blocks stay where they are: a reader with the shorter list still reads the same cells.
                TValue[][] blocks = new TValue[Math.Max(1, _blocks.Length * 2)][];
                _blocks.CopyTo(blocks, 0);
                for (var i = _blocks.Length; i < blocks.Length; i++)
                {
                    blocks[i] = new TValue[CellsPerBlock];
                }

                Volatile.Write(ref _blocks, blocks);
            }

            _cellCount++;
        }

        _blocks[cell / CellsPerBlock][cell % CellsPerBlock] = value;
        return cell;
    }

    /// <summary>The epochs are this map's own, so the freeing runs in its writer, inside the lock.</summary>
    private void RetireCell(ulong cell) => _tree.Epochs.Retire((Map: this, Cell: cell), static retired =>
    {
        var (map, freed) = retired;
        map._blocks[freed / CellsPerBlock][freed % CellsPerBlock] = default!;
        map._freeCells.Push(freed);
    });
}
