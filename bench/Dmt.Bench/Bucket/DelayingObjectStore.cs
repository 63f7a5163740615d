using System.Runtime.CompilerServices;
using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Bench.Bucket;

/// <summary>
/// Objects somewhere else, each request to which takes a fixed time, any number of them side by side: what a bucket
/// feels like, the same for every run. Counts requests as S3 would charge for them (a page of a listing is 1,000 names;
/// a large object goes up in parts) and keeps when each began and ended. The store behind it is not disposed with it.
/// </summary>
internal sealed class DelayingObjectStore(IObjectStore inner) : IObjectStore
{
    private const int PageNames = 1000;
    private const int PartBytes = 8 << 20;
    private const int PartsInFlight = 4;

    private readonly Lock _lock = new(); // guards _trace
    private readonly List<TracedRequest> _trace = [];
    private readonly RequestCounts _counts = new();
    private readonly long _created = TimeProvider.System.GetTimestamp();
    private volatile bool _isCutOff;

    public static TimeSpan WriteDelay { get; } = TimeSpan.FromMilliseconds(28);

    /// <summary>Of gets, listings and deletions.</summary>
    public static TimeSpan ReadDelay { get; } = TimeSpan.FromMilliseconds(24);

    public string Description => $"{inner.Description}, far away";

    public RequestTotals Totals => _counts.Totals;

    /// <summary>From now on no request gets through: as when the process is killed.</summary>
    public void CutOff() => _isCutOff = true;

    /// <summary>The requests that have ended since the last call, in the order in which they began.</summary>
    public IReadOnlyList<TracedRequest> TakeTrace()
    {
        lock (_lock)
        {
            var taken = _trace.OrderBy(static request => request.Start).ToList();
            _trace.Clear();
            return taken;
        }
    }

    public async ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        byte[]? content = null;
        await RequestAsync(
            RequestKind.Get, name, 0, async () => content = await inner.GetAsync(name, cancellationToken));
        _counts.Received(content?.Length ?? 0);
        return content;
    }

    public IObjectReader OpenRead(string name, long length) => new Reader(this, inner.OpenRead(name, length));

    public async ValueTask PutAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
        await RequestAsync(
            RequestKind.Put, name, content.Length,
            async () => await inner.PutAsync(name, content, cancellationToken));

    public async ValueTask<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        var created = false;
        await RequestAsync(
            RequestKind.ConditionalPut, name, content.Length,
            async () => created = await inner.TryCreateAsync(name, content, cancellationToken));
        return created;
    }

    public IObjectWriter OpenWrite(string name) => new Writer(this, name, inner.OpenWrite(name));

    public async ValueTask DeleteAsync(
        IReadOnlyCollection<string> names, CancellationToken cancellationToken = default)
    {
        foreach (var batch in names.Chunk(PageNames))
        {
            await RequestAsync(
                RequestKind.Delete, batch[0], 0, async () => await inner.DeleteAsync(batch, cancellationToken));
        }
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await RequestAsync(RequestKind.List, prefix, 0, static () => Task.CompletedTask);
        var seen = 0;
        await foreach (var info in inner.ListAsync(prefix, startAfter, cancellationToken))
        {
            if (seen > 0 && seen % PageNames == 0)
            {
                await RequestAsync(RequestKind.List, info.Name, 0, static () => Task.CompletedTask);
            }

            seen++;
            yield return info;
        }
    }

    public ValueTask DisposeAsync()
    {
        _counts.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task RequestAsync(RequestKind kind, string name, long bytesUp, Func<Task> serve)
    {
        ThrowIfCutOff(name);
        var start = TimeProvider.System.GetElapsedTime(_created);
        _counts.Request(kind, bytesUp);
        var isWrite = kind is RequestKind.Put or RequestKind.ConditionalPut or RequestKind.Multipart;
        await Task.Delay(isWrite ? WriteDelay : ReadDelay);
        ThrowIfCutOff(name);
        await serve();
        var end = TimeProvider.System.GetElapsedTime(_created);
        lock (_lock)
        {
            _trace.Add(new TracedRequest(kind, name, start, end));
        }
    }

    private void ThrowIfCutOff(string name)
    {
        if (_isCutOff)
        {
            throw DmtException.Unavailable($"{name}: the process was killed");
        }
    }

    private sealed class Reader(DelayingObjectStore store, IObjectReader reader) : IObjectReader
    {
        public string Name => reader.Name;

        public long Length => reader.Length;

        public async ValueTask ReadAsync(
            long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await store.RequestAsync(
                RequestKind.RangedGet, Name, 0,
                async () => await reader.ReadAsync(offset, buffer, cancellationToken));
            store._counts.Received(buffer.Length);
        }

        public ValueTask DisposeAsync() => reader.DisposeAsync();
    }

    /// <summary>One put where the object is small; else an upload begun, parts side by side, and its end.</summary>
    private sealed class Writer(DelayingObjectStore store, string name, IObjectWriter writer) : IObjectWriter
    {
        private readonly List<Task> _parts = [];
        private int _filled;

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken = default)
        {
            await writer.WriteAsync(piece, cancellationToken);
            _filled += piece.Length;
            while (_filled > PartBytes)
            {
                if (_parts.Count == 0)
                {
                    await SendAsync(RequestKind.Multipart, 0);
                }

                _filled -= PartBytes;
                _parts.Add(SendAsync(RequestKind.Multipart, PartBytes));
                await (_parts.Count > PartsInFlight ? _parts[^PartsInFlight] : Task.CompletedTask);
            }
        }

        public async ValueTask CompleteAsync(CancellationToken cancellationToken = default)
        {
            if (_parts.Count == 0)
            {
                await SendAsync(RequestKind.Put, _filled);
            }
            else
            {
                _parts.Add(SendAsync(RequestKind.Multipart, _filled));
                await Task.WhenAll(_parts);
                await SendAsync(RequestKind.Multipart, 0);
            }

            await writer.CompleteAsync(cancellationToken);
        }

        public ValueTask DisposeAsync() => writer.DisposeAsync();

        private Task SendAsync(RequestKind kind, int bytes) =>
            store.RequestAsync(kind, name, bytes, static () => Task.CompletedTask);
    }
}
