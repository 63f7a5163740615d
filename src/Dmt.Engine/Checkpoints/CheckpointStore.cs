using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Checkpoints;

/// <summary>The checkpoints of a store, one object each, created only if absent.</summary>
internal sealed class CheckpointStore(IObjectStore objects)
{
    /// <returns>False when there is one of that name.</returns>
    public ValueTask<bool> TryCreateAsync(Checkpoint checkpoint, CancellationToken cancellationToken)
    {
        Checkpoint.ValidateName(checkpoint.Name);
        return objects.TryCreateAsync(checkpoint.ObjectName, CheckpointCodec.Encode(checkpoint), cancellationToken);
    }

    /// <summary>Null where there is none.</summary>
    /// <exception cref="DmtException">Corruption; Unavailable.</exception>
    public async ValueTask<Checkpoint?> FindAsync(string name, CancellationToken cancellationToken)
    {
        Checkpoint.ValidateName(name);
        var objectName = Checkpoint.NameOf(name);
        return await objects.GetAsync(objectName, cancellationToken).ConfigureAwait(false) is { } bytes
            ? CheckpointCodec.Decode(bytes, objectName)
            : null;
    }

    /// <summary>All of them, in order of names.</summary>
    /// <exception cref="DmtException">
    /// Corruption; Unavailable. One that cannot be read fails all: what it keeps is not known.
    /// </exception>
    public async ValueTask<IReadOnlyList<Checkpoint>> LoadAllAsync(CancellationToken cancellationToken)
    {
        // Listed twice: a clone makes its pin while the checkpoint that it is made from is there. Whoever misses the
        // checkpoint the first time, because it has gone since, sees the pin the second time.
        var found = new SortedDictionary<string, Checkpoint>(StringComparer.Ordinal);
        for (var pass = 1; pass <= 2; pass++)
        {
            var listing = objects.ListAsync(Checkpoint.Folder, null, cancellationToken);
            await foreach (var info in listing.ConfigureAwait(false))
            {
                // One that goes meanwhile keeps nothing any more.
                if (!found.ContainsKey(info.Name)
                    && await objects.GetAsync(info.Name, cancellationToken).ConfigureAwait(false) is { } bytes)
                {
                    found.Add(info.Name, CheckpointCodec.Decode(bytes, info.Name));
                }
            }
        }

        return [.. found.Values];
    }

    public ValueTask DeleteAsync(string name, CancellationToken cancellationToken)
    {
        Checkpoint.ValidateName(name);
        return objects.DeleteAsync([Checkpoint.NameOf(name)], cancellationToken);
    }
}
