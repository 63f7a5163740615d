using System.Runtime.InteropServices;

namespace Dmt.Cli.Terminal;

/// <summary>
/// Standard output that tells when nobody reads any more, so that <c>dmt scan | head</c> ends when head does: the
/// framework's own stream says nothing then. Not a FileStream either, which would write at offsets of its own and over
/// what others write to the same file.
/// </summary>
internal sealed class StandardOutput : Stream
{
    private const int Descriptor = 1;
    private const int Interrupted = 4;
    private const int BrokenPipe = 32;

    private readonly Stream _fallback = Console.OpenStandardOutput();
    private bool _failed;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>
    /// Errors are thrown once; what is written after one is dropped, so that buffers before it can be disposed.
    /// </summary>
    /// <exception cref="OutputClosedException">Nobody reads.</exception>
    /// <exception cref="IOException">The medium behind it refuses.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0 && !_failed && !OperatingSystem.IsWindows())
        {
            var written = NativeWrite(Descriptor, in MemoryMarshal.GetReference(buffer), buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case Interrupted:
                    break;
                case BrokenPipe:
                    _failed = true;
                    throw new OutputClosedException();
                default:
                    // It waits where the descriptor does not block, and has the words for every other error.
                    WriteFallback(buffer);
                    return;
            }
        }

        WriteFallback(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _fallback.Dispose();
        base.Dispose(disposing);
    }

    private void WriteFallback(ReadOnlySpan<byte> buffer)
    {
        if (_failed)
        {
            return;
        }

        try
        {
            _fallback.Write(buffer);
        }
        catch (IOException)
        {
            _failed = true;
            throw;
        }
    }

    [DllImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint NativeWrite(int descriptor, in byte buffer, nint count);
}

/// <summary>Whoever read the output has gone: there is nothing left to do, and nobody to tell.</summary>
internal sealed class OutputClosedException() : IOException("nobody reads standard output any more");
