using Dmt.Engine.Objects;

namespace Dmt.Engine.Tests.Objects.Caching;

/// <summary>
/// Objects that no request reaches synchronously; notes ranged reads of tables, and holds them up while told to. The
/// store behind it is not disposed with it.
/// </summary>
internal sealed class FarObjectStore(IObjectStore inner) : IObjectStore
{
    private readonly Lock _lock = new(); // guards _reads
    private readonly List<(string Name, long Offset, int Length)> _reads = [];

    /// <summary>What reads wait for.</summary>
    public Task Hold { get; set; } = Task.CompletedTask;

    /// <summary>Reads of tables bring other bytes than are there.</summary>
    public bool Damages { get; set; }

    public string Description => inner.Description;

    /// <summary>The reads of tables since the last call.</summary>
    public List<(string Name, long Offset, int Length)> TakeReads()
    {
        lock (_lock)
        {
            List<(string, long, int)> taken = [.. _reads];
            _reads.Clear();
            return taken;
        }
    }

    public async ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        return await inner.GetAsync(name, cancellationToken);
    }

    public IObjectReader OpenRead(string name, long length) => new Reader(this, inner.OpenRead(name, length));

    public ValueTask PutAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
        inner.PutAsync(name, content, cancellationToken);

    public async ValueTask<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        return await inner.TryCreateAsync(name, content, cancellationToken);
    }

    public IObjectWriter OpenWrite(string name) => inner.OpenWrite(name);

    public ValueTask DeleteAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken = default) =>
        inner.DeleteAsync(names, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter = null, CancellationToken cancellationToken = default) =>
        inner.ListAsync(prefix, startAfter, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Reader(FarObjectStore store, IObjectReader reader) : IObjectReader
    {
        public string Name => reader.Name;

        public long Length => reader.Length;

        public async ValueTask ReadAsync(
            long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Name.EndsWith(".table", StringComparison.Ordinal))
            {
                lock (store._lock)
                {
                    store._reads.Add((Name, offset, buffer.Length));
                }
            }

            await Task.Yield();
            await store.Hold.WaitAsync(cancellationToken);
            await reader.ReadAsync(offset, buffer, cancellationToken);
            if (store.Damages && Name.EndsWith(".table", StringComparison.Ordinal))
            {
                for (var i = 0; i < buffer.Length; i += 64)
                {
                    buffer.Span[i] ^= 1;
                }
            }
        }

        public ValueTask DisposeAsync() => reader.DisposeAsync();
    }
}
