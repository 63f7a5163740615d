using System.Buffers;
using Dmt.Core;

namespace Dmt.Api.Requests;

/// <summary>
/// Cuts a stream into lines without allocating for each: reads into one buffer, hands out the whole lines in it, then
/// moves the rest to its front. The buffer grows up to the longest line that is allowed.
/// </summary>
internal sealed class LineReader(Stream stream, int lineBytesMax) : IDisposable
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
    private int _start;
    private int _end;
    private int _searched;
    private bool _isComplete;

    /// <summary>Number of the line taken last, from 1.</summary>
    public long Number { get; private set; }

    /// <summary>Reads more; to be called once <see cref="TryTake"/> has nothing left.</summary>
    /// <returns>False at the end of the stream: what can be taken now is the last.</returns>
    /// <exception cref="DmtException">TooLarge where a line is over the limit.</exception>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end, _searched) = (0, _end - _start, _searched - _start);
        if (_end > lineBytesMax)
        {
            Number++;
            throw DmtException.TooLarge($"the line has more than {lineBytesMax} bytes");
        }

        _buffer = RequestBody.Grow(_buffer, _end, _end + 1);
        var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
        _end += read;
        _isComplete = read == 0;
        return !_isComplete;
    }

    /// <summary>The next whole line, without its end; valid until the next <see cref="ReadAsync"/>.</summary>
    public bool TryTake(out ReadOnlyMemory<byte> line)
    {
        var length = _buffer.AsSpan(_searched, _end - _searched).IndexOf((byte)'\n');
        if (length < 0 && (!_isComplete || _start == _end))
        {
            _searched = _end;
            line = default;
            return false;
        }

        var end = length < 0 ? _end : _searched + length;
        line = _buffer.AsMemory(_start, end - _start);
        _start = _searched = Math.Min(end + 1, _end);
        Number++;
        return true;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }
}
