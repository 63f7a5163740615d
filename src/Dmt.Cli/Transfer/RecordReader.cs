using System.Buffers;
using Dmt.Core;

namespace Dmt.Cli.Transfer;

/// <summary>
/// Cuts a stream into records: lines, or for CSV lines whose line ends inside double quotes do not count.
/// <para>
/// How it works: one buffer holds the bytes from the current record on; it is filled to its end and grows only for a
/// record that does not fit. A scan position remembers what was searched already, with the quoting state there, so no
/// byte is looked at twice.
/// Invariant: <see cref="Offset"/> is where the record after the current one begins, so reading may be resumed there.
/// </para>
/// </summary>
internal sealed class RecordReader : IDisposable
{
    /// <summary>Longest record, in bytes: the largest value as base64, with room for the rest.</summary>
    public const int RecordBytesMax = 128 << 20;

    private readonly Stream _source;
    private readonly bool _quoted;
    private byte[] _buffer;
    private int _start;
    private int _end;
    private int _next;
    private bool _sourceEnded;
    private long _lineEnds;

    /// <param name="source">Stands at <paramref name="offset"/>. Stays the caller's.</param>
    /// <param name="quoted">Line ends inside double quotes belong to the record.</param>
    /// <param name="offset">Bytes before the first record that is read here.</param>
    /// <param name="line">Number of the first line that is read here, from 1.</param>
    /// <param name="bufferBytes">Bytes to read at a time, at least 1.</param>
    public RecordReader(Stream source, bool quoted, long offset = 0, long line = 1, int bufferBytes = 256 << 10)
    {
        (_source, _quoted, Offset, _lineEnds) = (source, quoted, offset, line - 1);
        _buffer = ArrayPool<byte>.Shared.Rent(bufferBytes);
    }

    /// <summary>The offset in the source just after the current record and its line end.</summary>
    public long Offset { get; private set; }

    /// <summary>The number of the current record's first line, from 1.</summary>
    public long Line { get; private set; }

    /// <summary>The number of the line that <see cref="Offset"/> is at the beginning of.</summary>
    public long NextLine => _lineEnds + 1;

    /// <summary>
    /// The current record without its line end; valid until the next call of <see cref="ReadAsync"/>.
    /// </summary>
    public ReadOnlySpan<byte> Current => _buffer.AsSpan(_start, CurrentLength);

    private int CurrentLength { get; set; }

    /// <summary>Moves to the next record.</summary>
    /// <returns>False where the source has ended.</returns>
    /// <exception cref="DmtException">TooLarge for a record over <see cref="RecordBytesMax"/>.</exception>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        _start = _next;
        Line = NextLine;
        var scanned = _start;
        var inQuotes = false;
        while (true)
        {
            var lineEnd = FindEnd(ref scanned, ref inQuotes);
            if (lineEnd >= 0)
            {
                Take(lineEnd, lineEnd + 1);
                return true;
            }

            if (_sourceEnded)
            {
                if (_start == _end)
                {
                    (_next, CurrentLength) = (_start, 0);
                    return false;
                }

                Take(_end, _end);
                return true;
            }

            scanned -= _start;
            await FillAsync(cancellationToken);
            scanned += _start;
        }
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private int FindEnd(ref int scanned, ref bool inQuotes)
    {
        while (scanned < _end)
        {
            var rest = _buffer.AsSpan(scanned, _end - scanned);
            var found = _quoted ? rest.IndexOfAny((byte)'\n', (byte)'"') : rest.IndexOf((byte)'\n');
            if (found < 0)
            {
                scanned = _end;
                return -1;
            }

            var at = scanned + found;
            scanned = at + 1;
            if (_buffer[at] == '"')
            {
                inQuotes = !inQuotes;
                continue;
            }

            _lineEnds++;
            if (!inQuotes)
            {
                return at;
            }
        }

        return -1;
    }

    private void Take(int end, int next)
    {
        Offset += next - _start;
        _next = next;
        CurrentLength = end > _start && _buffer[end - 1] == '\r' ? end - 1 - _start : end - _start;
    }

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        var held = _end - _start;
        if (held >= RecordBytesMax)
        {
            throw DmtException.TooLarge($"line {Line} has more than {RecordBytesMax} bytes");
        }

        if (held == _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
            _buffer.AsSpan(_start, held).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }
        else
        {
            _buffer.AsSpan(_start, held).CopyTo(_buffer);
        }

        (_start, _end) = (0, held);
        var read = await _source.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
        _end += read;
        _sourceEnded = read == 0;
    }
}
