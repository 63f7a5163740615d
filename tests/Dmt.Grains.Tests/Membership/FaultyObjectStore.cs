using System.Runtime.CompilerServices;
using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Grains.Tests.Membership;

/// <summary>
/// Passes calls on to a store that others share, counts them, and fails them when told: before they took effect, or
/// after, as when a reply is lost. Disposing it leaves the shared store alone.
/// </summary>
internal sealed class FaultyObjectStore(IObjectStore inner) : IObjectStore
{
    private int _gets;
    private int _lists;
    private int _puts;
    private int _deletes;
    private volatile bool _isCutOff;

    /// <summary>Asked before each call, with its kind; true fails it before it takes effect.</summary>
    public Func<string, bool> FailsBefore { get; set; } = static _ => false;

    /// <summary>Asked after each call, with its kind; true loses the reply.</summary>
    public Func<string, bool> FailsAfter { get; set; } = static _ => false;

    /// <summary>Awaited before a create takes effect, with its name.</summary>
    public Func<string, Task> BeforeCreate { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Awaited before a get takes effect, with its name.</summary>
    public Func<string, Task> BeforeGet { get; set; } = static _ => Task.CompletedTask;

    public string Description => inner.Description;

    /// <summary>Gets, lists, puts (creates among them) and deletes that were asked for so far.</summary>
    public (int Gets, int Lists, int Puts, int Deletes) Calls => (_gets, _lists, _puts, _deletes);

    /// <summary>From now on nothing gets through: as when the process loses its network.</summary>
    public void CutOff() => _isCutOff = true;

    public async ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _gets);
        await BeforeGet(name);
        Before("get", name);
        return After("get", name, await inner.GetAsync(name, cancellationToken));
    }

    public IObjectReader OpenRead(string name, long length) => inner.OpenRead(name, length);

    public async ValueTask PutAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _puts);
        Before("put", name);
        await inner.PutAsync(name, content, cancellationToken);
        After("put", name, true);
    }

    public async ValueTask<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _puts);
        await BeforeCreate(name);
        Before("create", name);
        return After("create", name, await inner.TryCreateAsync(name, content, cancellationToken));
    }

    public IObjectWriter OpenWrite(string name) => inner.OpenWrite(name);

    public async ValueTask DeleteAsync(
        IReadOnlyCollection<string> names, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _deletes);
        Before("delete", names.First());
        await inner.DeleteAsync(names, cancellationToken);
        After("delete", names.First(), true);
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix,
        string? startAfter = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _lists);
        Before("list", prefix);
        await foreach (var info in inner.ListAsync(prefix, startAfter, cancellationToken))
        {
            yield return info;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void Before(string kind, string name)
    {
        if (_isCutOff || FailsBefore(kind))
        {
            throw DmtException.Unavailable($"injected: {kind} {name} failed");
        }
    }

    private T After<T>(string kind, string name, T result) => _isCutOff || FailsAfter(kind)
        ? throw DmtException.Unavailable($"injected: the reply to {kind} {name} was lost")
        : result;
}
