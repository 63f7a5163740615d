using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Tests.Garbage;

/// <summary>
/// One process's way to a shared store. Reading an object that somebody has deleted fails, even through a reader that
/// was open before, and is remembered as a violation, and so is deleting what this process itself has open, whose
/// blocks may all be cached; unless it is a zombie, which may well be surprised.
/// </summary>
internal sealed class WatchedObjectStore(IObjectStore inner, ConcurrentDictionary<string, bool> deleted) : IObjectStore
{
    public ConcurrentQueue<string> Violations { get; private init; } = new();

    /// <summary>How many readers this process has open, by path.</summary>
    private ConcurrentDictionary<string, int> OpenReaders { get; init; } = new();

    public bool IsZombie { get; set; }

    /// <summary>While set, creations are not answered until it lets them.</summary>
    public Func<string, Task>? AfterCreate { get; set; }

    /// <summary>While set, gets are not made until it lets them.</summary>
    public Func<string, Task>? BeforeGet { get; set; }

    /// <summary>While set, lists are not made until it lets them.</summary>
    public Func<string, Task>? BeforeList { get; set; }

    public string Description => inner.Description;

    public string? Root => inner.Root;

    public IObjectStore? OpenSibling(string root) =>
        inner.OpenSibling(root) is { } sibling
            ? new WatchedObjectStore(sibling, deleted)
            {
                Violations = Violations,
                OpenReaders = OpenReaders,
                IsZombie = IsZombie,
            }
            : null;

    /// <summary>A checkpoint or manifest that is not there is an answer, not a loss.</summary>
    public async ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        if (BeforeGet is { } wait)
        {
            await wait(name);
        }

        return await inner.GetAsync(name, cancellationToken);
    }

    public IObjectReader OpenRead(string name, long length) => new Reader(this, inner.OpenRead(name, length));

    public ValueTask PutAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
        inner.PutAsync(name, content, cancellationToken);

    public async ValueTask<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        var created = await inner.TryCreateAsync(name, content, cancellationToken);
        if (created)
        {
            deleted.TryRemove(PathOf(name), out _);
        }

        if (AfterCreate is { } wait)
        {
            await wait(name);
        }

        return created;
    }

    public IObjectWriter OpenWrite(string name)
    {
        if (WasDeleted(name))
        {
            Violations.Enqueue($"{name} is written again after it was deleted");
        }

        return inner.OpenWrite(name);
    }

    public async ValueTask DeleteAsync(
        IReadOnlyCollection<string> names, CancellationToken cancellationToken = default)
    {
        foreach (var name in names)
        {
            if (OpenReaders.GetValueOrDefault(PathOf(name)) > 0 && !IsZombie)
            {
                Violations.Enqueue($"{name} is deleted while it is open");
            }

            deleted[PathOf(name)] = true;
        }

        await inner.DeleteAsync(names, cancellationToken);
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (BeforeList is { } wait)
        {
            await wait(prefix);
        }

        await foreach (var info in inner.ListAsync(prefix, startAfter, cancellationToken))
        {
            yield return info;
        }
    }

    /// <summary>The store behind it outlives its processes.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Reader : IObjectReader
    {
        private readonly WatchedObjectStore _store;
        private readonly IObjectReader _reader;
        private int _closed;

        public Reader(WatchedObjectStore store, IObjectReader reader)
        {
            (_store, _reader) = (store, reader);
            store.OpenReaders.AddOrUpdate(store.PathOf(reader.Name), 1, static (_, count) => count + 1);
        }

        public string Name => _reader.Name;

        public long Length => _reader.Length;

        public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_store.WasDeleted(Name) && !_store.IsZombie)
            {
                _store.Violations.Enqueue($"{Name} is read after it was deleted");
            }

            return _reader.ReadAsync(offset, buffer, cancellationToken);
        }

        public ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref _closed, 1) == 0)
            {
                _store.OpenReaders.AddOrUpdate(_store.PathOf(Name), 0, static (_, count) => count - 1);
            }

            return _reader.DisposeAsync();
        }
    }

    private bool WasDeleted(string name) => deleted.ContainsKey(PathOf(name));

    private string PathOf(string name) => string.IsNullOrEmpty(Root) ? name : $"{Root}/{name}";
}
