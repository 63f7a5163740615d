using Dmt.Core;
using Dmt.Core.Sharding;

namespace Dmt.Client;

/// <summary>A call on its way: the map that it was last routed by, and what came of that.</summary>
internal abstract class RoutedCall
{
    /// <summary>A shard that moves refuses a few times by the right map.</summary>
    private const int RefusalsMax = 3;

    private uint? _refusedBy;
    private int _refusedByNewest;

    public ShardMap? Map { get; set; }

    /// <summary>Notes which shard refuses what it is asked for.</summary>
    public async ValueTask<T> NoteRefusal<T>(uint shard, ValueTask<T> asked)
    {
        try
        {
            return await asked.ConfigureAwait(false);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.NotOwner)
        {
            _refusedBy = shard;
            throw;
        }
    }

    /// <summary>
    /// The shard that refused though the newest map names it, again and again: then it is the map that is wrong. Null
    /// otherwise.
    /// </summary>
    /// <param name="newest">The newest map.</param>
    public uint? FindDissenter(ShardMap newest) =>
        Map is { } map && newest.Version == map.Version && ++_refusedByNewest > RefusalsMax ? _refusedBy : null;
}
