using System.Buffers;
using System.Runtime.CompilerServices;
using Dmt.Core;

namespace Dmt.Engine.Objects;

/// <summary>Objects in memory: for tests, and for stores that need not outlive their process.</summary>
public sealed class MemoryObjectStore : IObjectStore
{
    /// <summary>Guards <see cref="_objects"/> and <see cref="_names"/>; all are shared by siblings.</summary>
    private readonly Lock _lock;
    private readonly SortedSet<string> _names; // of _objects: it can be walked from anywhere
    private readonly Dictionary<string, Item> _objects;
    private readonly TimeProvider _time;
    private readonly MemoryObjectStore? _opener;
    private readonly string _prefix = "";
    private volatile bool _closed;

    /// <param name="time">The clock that stamps objects.</param>
    public MemoryObjectStore(TimeProvider time) =>
        (_time, _lock, _objects, _names) = (time, new Lock(), [], new SortedSet<string>(StringComparer.Ordinal));

    private MemoryObjectStore(MemoryObjectStore opener, string root)
    {
        (_time, _lock, _objects, _names) = (opener._time, opener._lock, opener._objects, opener._names);
        (_opener, Root) = (opener, root);
        _prefix = root.Length == 0 ? "" : root + "/";
    }

    public string Description => Root.Length == 0 ? "memory" : $"memory/{Root}";

    public string Root { get; } = "";

    public IObjectStore OpenSibling(string root)
    {
        if (root.Length > 0)
        {
            Check(root, CancellationToken.None);
        }

        return new MemoryObjectStore(this, root);
    }

    public ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        Check(name, cancellationToken);
        return new(Find(name)?.ToArray());
    }

    public IObjectReader OpenRead(string name, long length)
    {
        Check(name, CancellationToken.None);
        return new Reader(this, name, length);
    }

    public ValueTask PutAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        Check(name, cancellationToken);
        Set(name, content.ToArray());
        return ValueTask.CompletedTask;
    }

    public ValueTask<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        Check(name, cancellationToken);
        var item = new Item(content.ToArray(), _time.GetUtcNow());
        lock (_lock)
        {
            return new(_objects.TryAdd(_prefix + name, item) && _names.Add(_prefix + name));
        }
    }

    public IObjectWriter OpenWrite(string name)
    {
        Check(name, CancellationToken.None);
        return new Writer(this, name);
    }

    public ValueTask DeleteAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(names);
        foreach (var name in names)
        {
            Check(name, cancellationToken);
        }

        lock (_lock)
        {
            foreach (var name in names)
            {
                _objects.Remove(_prefix + name);
                _names.Remove(_prefix + name);
            }
        }

        return ValueTask.CompletedTask;
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter = null,
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ObjectName.ValidatePrefix(prefix);
        CheckOpen(cancellationToken);
        List<ObjectInfo> found = [];
        var (first, last) = (_prefix + prefix, _prefix + prefix + char.MaxValue); // No name has that character.
        var after = _prefix + startAfter;
        first = string.CompareOrdinal(after, first) > 0 ? after : first;
        if (string.CompareOrdinal(first, last) <= 0)
        {
            lock (_lock)
            {
                foreach (var key in _names.GetViewBetween(first, last))
                {
                    if (startAfter is null || key != after)
                    {
                        var item = _objects[key];
                        found.Add(new ObjectInfo(key[_prefix.Length..], item.Content.Length, item.Written));
                    }
                }
            }
        }

        foreach (var info in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return info;
        }

        await ValueTask.CompletedTask.ConfigureAwait(false);
    }

    public ValueTask DisposeAsync()
    {
        _closed = true;
        return ValueTask.CompletedTask;
    }

    private void Check(string name, CancellationToken cancellationToken)
    {
        ObjectName.Validate(name);
        CheckOpen(cancellationToken);
    }

    private void CheckOpen(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_closed || _opener is { _closed: true })
        {
            throw DmtException.Closed("the object store in memory");
        }
    }

    private byte[]? Find(string name)
    {
        lock (_lock)
        {
            return _objects.TryGetValue(_prefix + name, out var item) ? item.Content : null;
        }
    }

    private void Set(string name, byte[] content)
    {
        var item = new Item(content, _time.GetUtcNow());
        lock (_lock)
        {
            _objects[_prefix + name] = item;
            _names.Add(_prefix + name);
        }
    }

    private readonly record struct Item(byte[] Content, DateTimeOffset Written);

    private sealed class Reader(MemoryObjectStore store, string name, long length) : IObjectReader
    {
        private byte[]? _content;
        private volatile bool _closed;

        public string Name => name;

        public long Length => length;

        public ValueTask ReadAsync(
            long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(offset);
            store.CheckOpen(cancellationToken);
            if (_closed)
            {
                throw DmtException.Closed($"the reader of {name}");
            }

            // Found once and kept, so that an open reader outlives the deletion of its object as it does on disk.
            var content = _content ??= store.Find(name)
                ?? throw DmtException.Corruption(name, offset, "the object is missing");
            var end = Math.Min(length, content.Length);
            if (offset > end - buffer.Length)
            {
                throw DmtException.Corruption(name, offset,
                    $"{buffer.Length} bytes expected, the object ends at {end}");
            }

            content.AsSpan((int)offset, buffer.Length).CopyTo(buffer.Span);
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            _closed = true;
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Writer(MemoryObjectStore store, string name) : IObjectWriter
    {
        private readonly ArrayBufferWriter<byte> _content = new();
        private bool _closed;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken = default)
        {
            CheckOpen(cancellationToken);
            _content.Write(piece.Span);
            return ValueTask.CompletedTask;
        }

        public ValueTask CompleteAsync(CancellationToken cancellationToken = default)
        {
            CheckOpen(cancellationToken);
            store.Set(name, _content.WrittenSpan.ToArray());
            _closed = true;
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            _closed = true;
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
