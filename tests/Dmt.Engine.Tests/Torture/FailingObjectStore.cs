using System.Runtime.CompilerServices;
using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Tests.Torture;

/// <summary>
/// Passes calls on and fails one of them once, before or after it took effect; or, cut off, all of them. The store
/// behind it is not disposed with it. Calls are counted from 1: gets, creates, puts, deletes, listings, ranged reads,
/// written pieces, completions.
/// </summary>
internal sealed class FailingObjectStore(IObjectStore inner) : IObjectStore
{
    private readonly FailingObjectStore? _opener;
    private int _calls;
    private readonly TaskCompletionSource _cut = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isCutOff;

    /// <summary>Counts and fails with the store that opened it.</summary>
    private FailingObjectStore(IObjectStore inner, FailingObjectStore opener)
        : this(inner) => _opener = opener;

    /// <summary>The call that fails; 0 for none.</summary>
    public int FailAt { get; set; }

    /// <summary>The failure comes when the call has done its work.</summary>
    public bool AfterEffect { get; init; }

    /// <summary>After the call that fails nothing gets through: as when the process is killed there.</summary>
    public bool ThenCutOff { get; init; }

    /// <summary>Held up while set: creations of objects whose name it accepts.</summary>
    public Func<string, Task>? BeforeCreate { get; set; }

    /// <summary>Held up while set: completions of objects whose name it accepts.</summary>
    public Func<string, Task>? BeforeComplete { get; set; }

    /// <summary>
    /// While set, told of each object that was created: where it says so, the reply is lost, but not the object.
    /// </summary>
    public Func<string, Task<bool>>? LosesReply { get; set; }

    /// <summary>Held up while set: reads of objects whose name it accepts.</summary>
    public Func<string, Task>? BeforeRead { get; set; }

    /// <summary>While set, nothing gets through.</summary>
    public bool IsDown { get; set; }

    /// <summary>Completes when nothing gets through any more.</summary>
    public Task WhenCutOff => _cut.Task;

    public int Calls => Volatile.Read(ref _calls);

    public string Description => inner.Description;

    public string? Root => inner.Root;

    public IObjectStore? OpenSibling(string root) =>
        inner.OpenSibling(root) is { } sibling ? new FailingObjectStore(sibling, _opener ?? this) : null;

    /// <summary>From now on nothing gets through: as when the process is killed.</summary>
    public void CutOff()
    {
        _isCutOff = true;
        _cut.TrySetResult();
    }

    public ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default) =>
        CallAsync($"get {name}", () => inner.GetAsync(name, cancellationToken));

    public IObjectReader OpenRead(string name, long length) => new Reader(this, inner.OpenRead(name, length));

    public async ValueTask PutAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
        await CallAsync($"put {name}", () => Done(inner.PutAsync(name, content, cancellationToken)));

    public async ValueTask<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        if (BeforeCreate is { } wait)
        {
            await wait(name);
        }

        var isCreated = await CallAsync($"create {name}", () => inner.TryCreateAsync(name, content, cancellationToken));
        return isCreated && LosesReply is { } loses && await loses(name)
            ? throw DmtException.Unavailable($"injected: the reply to create {name} was lost")
            : isCreated;
    }

    public IObjectWriter OpenWrite(string name) => new Writer(this, name, inner.OpenWrite(name));

    public async ValueTask DeleteAsync(
        IReadOnlyCollection<string> names, CancellationToken cancellationToken = default) =>
        await CallAsync("delete", () => Done(inner.DeleteAsync(names, cancellationToken)));

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter =
            null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await CallAsync($"list {prefix}", static () => ValueTask.FromResult(true));
        await foreach (var info in inner.ListAsync(prefix, startAfter, cancellationToken))
        {
            yield return info;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static async ValueTask<bool> Done(ValueTask call)
    {
        await call;
        return true;
    }

    private async ValueTask<T> CallAsync<T>(string what, Func<ValueTask<T>> call)
    {
        if (_opener is not null)
        {
            return await _opener.CallAsync(what, call);
        }

        var fails = Interlocked.Increment(ref _calls) == FailAt;
        var isCutOff = _isCutOff;
        if (fails && ThenCutOff)
        {
            CutOff();
        }

        if (isCutOff || IsDown || (fails && !AfterEffect))
        {
            throw DmtException.Unavailable($"injected: {what} failed");
        }

        var result = await call();
        return fails ? throw DmtException.Unavailable($"injected: the reply to {what} was lost") : result;
    }

    private sealed class Reader(FailingObjectStore store, IObjectReader reader) : IObjectReader
    {
        public string Name => reader.Name;

        public long Length => reader.Length;

        public async ValueTask ReadAsync(
            long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (store.BeforeRead is { } wait)
            {
                await wait(Name);
            }

            await store.CallAsync($"read {Name}", () => Done(reader.ReadAsync(offset, buffer, cancellationToken)));
        }

        public ValueTask DisposeAsync() => reader.DisposeAsync();
    }

    private sealed class Writer(FailingObjectStore store, string name, IObjectWriter writer) : IObjectWriter
    {
        public async ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken = default) =>
            await store.CallAsync($"write {name}", () => Done(writer.WriteAsync(piece, cancellationToken)));

        public async ValueTask CompleteAsync(CancellationToken cancellationToken = default)
        {
            if (store.BeforeComplete is { } wait)
            {
                await wait(name);
            }

            await store.CallAsync($"complete {name}", () => Done(writer.CompleteAsync(cancellationToken)));
        }

        public ValueTask DisposeAsync() => writer.DisposeAsync();
    }
}
