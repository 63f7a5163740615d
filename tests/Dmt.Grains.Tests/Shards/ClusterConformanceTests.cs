using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Grains.Tests.Shards;

/// <summary>The client of a cluster of three silos keeps every promise of <see cref="ITrieStore"/>.</summary>
public sealed class ClusterConformanceTests(OneShardCluster cluster)
    : TrieStoreConformance, IClassFixture<OneShardCluster>
{
    protected override Task<ITrieStore> OpenAsync(TimeProvider time) => cluster.OpenAsync(time);
}

/// <summary>The same where the keys of the tests are spread over shards on all silos.</summary>
public sealed class ShardedClusterConformanceTests(ManyShardsCluster cluster)
    : TrieStoreConformance, IClassFixture<ManyShardsCluster>
{
    protected override bool HasManyShards => true;

    protected override Task<ITrieStore> OpenAsync(TimeProvider time) => cluster.OpenAsync(time);
}

/// <summary>One cluster for all tests of a class.</summary>
public abstract class ConformanceCluster(params string[] prefixes) : IAsyncLifetime
{
    private ShardCluster? _shards;
    private int _count;

    public async Task InitializeAsync()
    {
        _shards = await ShardCluster.StartAsync();
        if (prefixes.Length > 0)
        {
            await ShardCluster.SplitAsync(_shards.NewClient(), prefixes);
        }
    }

    public async Task DisposeAsync()
    {
        if (_shards is not null)
        {
            await _shards.DisposeAsync();
        }
    }

    /// <summary>
    /// The store of the test before, emptied. A long time later, so that its requests are forgotten as well.
    /// </summary>
    internal async Task<ITrieStore> OpenAsync(TimeProvider time)
    {
        var later = new ManualClock();
        later.Advance(TimeSpan.FromDays(36_500 + Interlocked.Increment(ref _count)));
        _shards!.Clock.Set(later);
        var client = _shards.NewClient();
        await client.DeleteRangeAsync(KeyRange.All);
        _shards.Clock.Set(time);
        return client;
    }
}

public sealed class OneShardCluster() : ConformanceCluster();

public sealed class ManyShardsCluster() : ConformanceCluster("a", "k", "m", "t", "0", "\u0001");
