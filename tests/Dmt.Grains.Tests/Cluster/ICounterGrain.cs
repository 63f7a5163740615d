namespace Dmt.Grains.Tests.Cluster;

/// <summary>Counts, in two storages; says where it runs.</summary>
public interface ICounterGrain : IGrainWithStringKey
{
    /// <returns>The new count.</returns>
    Task<int> AddAsync(int number);

    Task<int> GetAsync();

    Task ClearAsync();

    /// <returns>The silo that hosts the grain.</returns>
    Task<SiloAddress> WhereAsync();
}
