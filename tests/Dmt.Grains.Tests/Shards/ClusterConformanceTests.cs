using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Grains.Tests.Shards;

/// <summary>The client of a cluster of three silos keeps every promise of <see cref="ITrieStore"/>.</summary>
public sealed class ClusterConformanceTests(ConformanceCluster cluster)
    : TrieStoreConformance, IClassFixture<ConformanceCluster>
{
    private static int s_count;

    protected override async Task<ITrieStore> OpenAsync(TimeProvider time)
    {
        // The store of the test before, emptied. A long time later, so that its requests are forgotten as well.
        var later = new ManualClock();
        later.Advance(TimeSpan.FromDays(36_500 + Interlocked.Increment(ref s_count)));
        cluster.Shards.Clock.Set(later);
        var client = cluster.Shards.NewClient();
        await client.DeleteRangeAsync(KeyRange.All);
        cluster.Shards.Clock.Set(time);
        return client;
    }
}

/// <summary>One cluster for all tests, its keys spread over shards on all silos.</summary>
public sealed class ConformanceCluster : IAsyncLifetime
{
    private ShardCluster? _shards;

    internal ShardCluster Shards => _shards!;

    public async Task InitializeAsync()
    {
        _shards = await ShardCluster.StartAsync();
        await ShardCluster.SplitAsync(_shards.NewClient(), "a", "k", "m", "t", "0", "\u0001");
    }

    public async Task DisposeAsync()
    {
        if (_shards is not null)
        {
            await _shards.DisposeAsync();
        }
    }
}
