// An object written piece by piece. Bytes gather in a buffer of one part's size; only when there are more than fit does
// an upload in parts begin, so that what fits goes up in one plain put. Full buffers go up in the background, a bounded
// number at a time: a writer that is faster than the network waits for the oldest. The object appears with the last
// request, or not at all.
//
// One caller at a time writes, completes and disposes; parts go up beside it.
using System.Buffers;
using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Objects.S3;

internal sealed class S3ObjectWriter : IObjectWriter
{
    private const int BufferBytesFirst = 64 << 10;
    private const int PartsMax = 10_000;

    private readonly S3ObjectStore _store;
    private readonly string _name;
    private readonly SemaphoreSlim _places;
    private readonly CancellationTokenSource _giveUp = new();
    private readonly List<Task<string>> _parts = [];
    private byte[] _buffer = [];
    private int _filled;
    private (string Upload, string Writer)? _upload;
    private bool _completed;
    private bool _closed;

    public S3ObjectWriter(S3ObjectStore store, string name)
    {
        (_store, _name) = (store, name);
        _places = new SemaphoreSlim(store.PartsInFlightMax, store.PartsInFlightMax);
    }

    /// <exception cref="DmtException">Unavailable where a part failed, this one or an earlier one.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken = default)
    {
        CheckOpen(cancellationToken);
        while (piece.Length > 0)
        {
            if (_filled == _store.PartBytes)
            {
                await SendPartAsync(cancellationToken).ConfigureAwait(false);
            }

            if (_filled == _buffer.Length)
            {
                Grow();
            }

            var taken = Math.Min(piece.Length, Math.Min(_buffer.Length, _store.PartBytes) - _filled);
            piece[..taken].CopyTo(_buffer.AsMemory(_filled));
            _filled += taken;
            piece = piece[taken..];
        }
    }

    public async ValueTask CompleteAsync(CancellationToken cancellationToken = default)
    {
        CheckOpen(cancellationToken);
        if (_upload is null)
        {
            await _store.PutWholeAsync(_name, _buffer.AsMemory(0, _filled), cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await SendPartAsync(cancellationToken).ConfigureAwait(false);
            var tags = await Task.WhenAll(_parts).WaitAsync(cancellationToken).ConfigureAwait(false);
            var (upload, writer) = _upload.Value;
            await _store.CompleteUploadAsync(_name, upload, writer, tags, cancellationToken).ConfigureAwait(false);
        }

        _completed = true;
    }

    /// <summary>
    /// Gives up what was not completed. Where the store cannot be reached for that, parts stay behind that no listing
    /// shows: they are counted, and the bucket's lifecycle rule removes them.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        await _giveUp.CancelAsync().ConfigureAwait(false);
        await ((Task)Task.WhenAll(_parts)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Return(_buffer);
        if (_upload is var (upload, _) && !_completed)
        {
            try
            {
                await _store.AbortUploadAsync(_name, upload, CancellationToken.None).ConfigureAwait(false);
            }
            catch (DmtException)
            {
                // Whoever disposes is mostly on the way out with the error that matters.
                _store.UploadAbandoned();
            }
        }

        _giveUp.Dispose();
        _places.Dispose();
    }

    private async Task SendPartAsync(CancellationToken cancellationToken)
    {
        if (_parts.Count == PartsMax)
        {
            throw DmtException.TooLarge(
                $"{_store.Describe(_name)} has more than {PartsMax} parts of {_store.PartBytes} bytes: "
                + "raise MultipartBytes");
        }

        _upload ??= await _store.BeginUploadAsync(_name, cancellationToken).ConfigureAwait(false);
        await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (_parts.Find(p => p.IsFaulted) is { } failed)
        {
            _places.Release();
            await failed.ConfigureAwait(false);
        }

        var (buffer, filled) = (_buffer, _filled);
        (_buffer, _filled) = ([], 0);
        _parts.Add(UploadAsync(_parts.Count + 1, buffer, filled));
    }

    private async Task<string> UploadAsync(int number, byte[] buffer, int filled)
    {
        try
        {
            return await _store.UploadPartAsync(
                _name, _upload!.Value.Upload, number, buffer.AsMemory(0, filled), _giveUp.Token).ConfigureAwait(false);
        }
        finally
        {
            Return(buffer);
            _places.Release();
        }
    }

    /// <summary>
    /// Small objects never hold a whole part's memory; after a first part there will be a second like it.
    /// </summary>
    private void Grow()
    {
        var size = _upload is not null ? _store.PartBytes
            : Math.Min(Math.Max(BufferBytesFirst, _buffer.Length * 2), _store.PartBytes);
        var larger = ArrayPool<byte>.Shared.Rent(size);
        _buffer.AsSpan(0, _filled).CopyTo(larger);
        Return(_buffer);
        _buffer = larger;
    }

    private static void Return(byte[] buffer)
    {
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void CheckOpen(CancellationToken cancellationToken)
    {
        _store.CheckOpen(cancellationToken);
        if (_closed || _completed)
        {
            throw DmtException.Closed($"the writer of {_name}");
        }
    }
}
