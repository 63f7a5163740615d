using Dmt.Core;
using Dmt.Engine.Platform;
using Microsoft.Win32.SafeHandles;

namespace Dmt.Engine.Objects;

public sealed partial class DirectoryObjectStore
{
    /// <summary>A file without its name yet. Disposing it removes what has no other name.</summary>
    private sealed class Temporary : IDisposable
    {
        private readonly DirectoryObjectStore _store;
        private readonly string _target;
        private readonly string _path;
        private readonly SafeFileHandle _file;
        private long _length;

        public Temporary(DirectoryObjectStore store, string target)
        {
            (_store, _target, _path) = (store, target, store.NewTemporaryPath());
            try
            {
                _file = File.OpenHandle(_path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
            }
            catch (Exception e) when (FileErrors.IsFileError(e))
            {
                throw FileErrors.Translate(e, store._root, _path);
            }
        }

        public void Write(ReadOnlySpan<byte> bytes)
        {
            try
            {
                RandomAccess.Write(_file, bytes, _length);
                _length += bytes.Length;
            }
            catch (Exception e) when (FileErrors.IsFileError(e))
            {
                throw FileErrors.Translate(e, _store._root, _target);
            }
        }

        public void Publish() => Name(static (from, to) =>
        {
            File.Move(from, to, overwrite: true);
            return true;
        });

        public bool TryPublishNew() => Name(NativeFile.TryNameNew);

        public void Dispose()
        {
            _file.Dispose();
            try
            {
                File.Delete(_path); // No error where it was renamed.
            }
            catch (Exception e) when (FileErrors.IsFileError(e))
            {
                throw FileErrors.Translate(e, _store._root, _path);
            }
        }

        private bool Name(Func<string, string, bool> rename)
        {
            try
            {
                // The store's clock stamps it: a test's clock rules here as everywhere.
                File.SetLastWriteTimeUtc(_file, _store._time.GetUtcNow().UtcDateTime);
                NativeFile.SyncData(_file);
                _file.Dispose();
                var folder = Path.GetDirectoryName(_target)!;
                NativeFile.CreateDirectory(folder);
                var named = rename(_path, _target);
                NativeFile.SyncDirectory(folder);
                return named;
            }
            catch (Exception e) when (FileErrors.IsFileError(e))
            {
                throw FileErrors.Translate(e, _store._root, _target);
            }
        }
    }

    private sealed class Reader(DirectoryObjectStore store, string name, string path, long length) : IObjectReader
    {
        /// <summary>Guards the opening of <see cref="_file"/>.</summary>
        private readonly Lock _opening = new();
        private SafeFileHandle? _file;
        private volatile bool _closed;

        public string Name => name;

        public long Length => length;

        public ValueTask ReadAsync(
            long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(offset);
            cancellationToken.ThrowIfCancellationRequested();
            if (offset > length - buffer.Length)
            {
                throw DmtException.Corruption(path, offset,
                    $"{buffer.Length} bytes expected, the object ends at {length}");
            }

            var file = Volatile.Read(ref _file) ?? Open(offset);
            var rest = buffer.Span;
            try
            {
                while (rest.Length > 0)
                {
                    var read = RandomAccess.Read(file, rest, offset);
                    if (read == 0)
                    {
                        throw DmtException.Corruption(path, offset,
                            $"{rest.Length} more bytes expected, the file ends");
                    }

                    offset += read;
                    rest = rest[read..];
                }
            }
            catch (ObjectDisposedException e)
            {
                throw new DmtException(DmtErrorKind.Closed, $"the reader of {path} is closed", e);
            }
            catch (Exception e) when (FileErrors.IsFileError(e))
            {
                throw FileErrors.Translate(e, store._root, path);
            }

            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            lock (_opening)
            {
                _closed = true;
                _file?.Dispose();
            }

            return ValueTask.CompletedTask;
        }

        private SafeFileHandle Open(long offset)
        {
            lock (_opening)
            {
                if (_closed)
                {
                    throw DmtException.Closed($"the reader of {path}");
                }

                store.CheckOpen(CancellationToken.None);
                try
                {
                    return _file ??= OpenExisting(path);
                }
                catch (Exception e) when (IsMissing(e, path))
                {
                    throw DmtException.Corruption(path, offset, "the object is missing", e);
                }
                catch (Exception e) when (FileErrors.IsFileError(e))
                {
                    throw FileErrors.Translate(e, store._root, path);
                }
            }
        }
    }

    private sealed class Writer(DirectoryObjectStore store, string name, string path) : IObjectWriter
    {
        private readonly Temporary _temporary = new(store, path);
        private bool _closed;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken = default)
        {
            CheckOpen(cancellationToken);
            _temporary.Write(piece.Span);
            return ValueTask.CompletedTask;
        }

        public ValueTask CompleteAsync(CancellationToken cancellationToken = default)
        {
            CheckOpen(cancellationToken);
            _temporary.Publish();
            _closed = true;
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            _closed = true;
            _temporary.Dispose();
            return ValueTask.CompletedTask;
        }

        private void CheckOpen(CancellationToken cancellationToken)
        {
            store.CheckOpen(cancellationToken);
            if (_closed)
            {
                throw DmtException.Closed($"the writer of {name}");
            }
        }
    }
}
