using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine.Manifests;
using Dmt.Engine.Shards;

namespace Dmt.Engine;

/// <content>Shards by command, and those that a store begins with.</content>
public sealed partial class TrieStore
{
    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ShardInfo>> ListShardsAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        var map = Shards.Map;
        var open = Shards.Open.ToDictionary(static shard => shard.Id);
        return ValueTask.FromResult<IReadOnlyList<ShardInfo>>(
            [.. map.Entries.Select(entry => Describe(map, entry, open.GetValueOrDefault(entry.Shard)))]);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ShardInfo>> SplitShardAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> prefixes, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefixes);
        ThrowIfDisposed();
        var made = await Shards.CarveAsync(prefixes, cancellationToken).ConfigureAwait(false);
        var all = await ListShardsAsync(CancellationToken.None).ConfigureAwait(false);
        var byNumber = all.ToDictionary(static info => info.Shard);

        // Somebody else may have merged one already.
        return [.. made.Where(byNumber.ContainsKey).Select(shard => byNumber[shard])];
    }

    /// <inheritdoc/>
    public async ValueTask<bool> MergeShardAsync(uint shard, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        if (!Shards.Map.TryGet(shard, out _))
        {
            return false;
        }

        try
        {
            await Shards.MergeAsync(shard, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.NotOwner && !Shards.Map.TryGet(shard, out _))
        {
            // Whoever was to merge it before had not come to say so everywhere, or somebody else was faster.
            return false;
        }
    }

    internal static ShardInfo Describe(ShardMap map, ShardEntry entry, Shard? open)
    {
        OpenShard? state = null;
        try
        {
            if (open is not null)
            {
                var (tables, _, memtableEntries) = open.Describe();
                var infos = tables.Levels.SelectMany(static level => level).Select(static table => table.Info).ToList();
                state = new OpenShard(
                    infos.Sum(static info => info.Bytes),
                    memtableEntries + infos.Sum(static info => info.Entries),
                    open.LastSequence,
                    open.Epoch)
                {
                    OperationsPerSecond = (long)Math.Round(open.Load.PerSecond),
                };
            }
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Closed && open!.IsRetired)
        {
            // It was closed meanwhile, for nobody asked for it.
        }

        return new ShardInfo(entry.Shard, entry.Prefix, map.Parent(entry.Shard)?.Shard, state);
    }

    /// <summary>
    /// Cuts a store that was just made: the longest prefixes first, then those that they lie under, which take them as
    /// their children; so there is one commit for each length.
    /// </summary>
    private static async ValueTask PreSplitAsync(
        ShardDirectory shards, int kFactor, CancellationToken cancellationToken)
    {
        foreach (var alike in PreSplitPrefixes.Of(kFactor)
            .GroupBy(static prefix => prefix.Length).OrderByDescending(static group => group.Key))
        {
            await shards.CarveAsync([.. alike], cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Nobody has opened it for writing yet.</summary>
    private static async ValueTask<bool> IsNewAsync(ShardHost host, CancellationToken cancellationToken) =>
        await new ManifestStore(host.Objects, ShardMap.Root).LoadLatestAsync(cancellationToken)
            .ConfigureAwait(false) is null;

    private void ThrowIfDisposed()
    {
        if (Volatile.Read(ref _disposed) != 0)
        {
            throw DmtException.Closed("the store");
        }
    }
}
