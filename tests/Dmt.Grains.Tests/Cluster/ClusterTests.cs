using Dmt.Core.Keys;
using Dmt.Engine.Objects;
using Microsoft.Extensions.DependencyInjection;

namespace Dmt.Grains.Tests.Cluster;

/// <summary>Real silos with their membership in an object store and the state of their grains in a DMT store.</summary>
public sealed class ClusterTests
{
    [Fact]
    public async Task A_silo_that_crashes_is_declared_dead_and_rejoins_in_memory()
    {
        await using var store = new MemoryObjectStore(TimeProvider.System);
        await CrashAndRejoinAsync(store);
    }

    [Fact]
    public async Task A_silo_that_crashes_is_declared_dead_and_rejoins_in_a_folder()
    {
        using var folder = new TempFolder();
        await using var store = new DirectoryObjectStore(folder.Path, TimeProvider.System);
        await CrashAndRejoinAsync(store);
    }

    [Fact]
    public async Task A_grains_state_outlives_the_silo_that_hosted_it()
    {
        await using var store = new MemoryObjectStore(TimeProvider.System);
        await using var fixture = new ClusterFixture(store);
        await fixture.StartAsync();
        var grains = fixture.Cluster.GrainFactory;
        var counters = Enumerable.Range(0, 20).Select(i => grains.GetGrain<ICounterGrain>($"c{i}")).ToList();
        await Task.WhenAll(counters.Select(c => c.AddAsync(5)));
        var homes = await Task.WhenAll(counters.Select(c => c.WhereAsync()));
        var lost = fixture.Cluster.Silos.First(s => homes.Contains(s.SiloAddress));
        var orphans = counters.Where((_, i) => homes[i] == lost.SiloAddress).ToList();

        var observer = fixture.Cluster.Silos.First(s => s != lost);
        await fixture.CrashAsync(lost);
        await fixture.WhenAsync(observer, m => m.GetSiloStatus(lost.SiloAddress) == SiloStatus.Dead);

        foreach (var counter in orphans)
        {
            Assert.Equal(7, await counter.AddAsync(2));
            Assert.NotEqual(lost.SiloAddress, await counter.WhereAsync());
        }

        Assert.All(await Task.WhenAll(counters.Except(orphans).Select(c => c.GetAsync())), n => Assert.Equal(5, n));
        Assert.Equal(
            2 * counters.Count,
            await fixture.State.CountAsync(KeyRange.Prefix(Key.PrefixFromText("grain-state/"))));

        // Cleared, one storage has removed the state, the other has kept its etag, as configured.
        await counters[0].ClearAsync();
        Assert.Equal(0, await counters[0].GetAsync());
        Assert.Equal(
            (2 * counters.Count) - 1,
            await fixture.State.CountAsync(KeyRange.Prefix(Key.PrefixFromText("grain-state/"))));
        Assert.Equal(1, await counters[0].AddAsync(1));
    }

    private static async Task CrashAndRejoinAsync(IObjectStore store)
    {
        await using var fixture = new ClusterFixture(store);
        await fixture.StartAsync();
        var silos = fixture.Cluster.Silos;
        Assert.Equal(3, (await ActiveAsync(fixture)).Count);
        Assert.Equal(3, await fixture.Cluster.GrainFactory.GetGrain<ICounterGrain>("a").AddAsync(3));

        var (observer, lost) = (silos[0], silos[^1]);
        await fixture.CrashAsync(lost);
        await fixture.WhenAsync(observer, m => m.GetSiloStatus(lost.SiloAddress) == SiloStatus.Dead);
        var table = await TableAsync(fixture);
        var row = table.TryGet(lost.SiloAddress)!.Item1;
        Assert.Equal(SiloStatus.Dead, row.Status);
        Assert.NotEmpty(row.SuspectTimes!);
        Assert.DoesNotContain(lost.SiloAddress, row.SuspectTimes!.Select(s => s.Item1));

        var again = await fixture.Cluster.StartAdditionalSiloAsync();
        await fixture.WhenAsync(observer, m => m.GetSiloStatus(again.SiloAddress) == SiloStatus.Active);
        Assert.Equal(3, (await ActiveAsync(fixture)).Count);
        Assert.Equal(4, await fixture.Cluster.GrainFactory.GetGrain<ICounterGrain>("a").AddAsync(1));
    }

    private static Task<MembershipTableData> TableAsync(ClusterFixture fixture) => fixture.Cluster
        .GetSiloServiceProvider(fixture.Cluster.Silos[0].SiloAddress).GetRequiredService<IMembershipTable>().ReadAll();

    private static async Task<List<SiloAddress>> ActiveAsync(ClusterFixture fixture) =>
    [
        .. (await TableAsync(fixture)).Members.Where(m => m.Item1.Status == SiloStatus.Active)
            .Select(m => m.Item1.SiloAddress),
    ];
}
