namespace Dmt.Grains.Tests.Cluster;

public sealed class CounterGrain(
    [PersistentState("count", "coded")] IPersistentState<Count> coded,
    [PersistentState("count", "configured")] IPersistentState<Count> configured,
    ILocalSiloDetails silo) : Grain, ICounterGrain
{
    public async Task<int> AddAsync(int number)
    {
        coded.State.Value += number;
        configured.State.Value += number;
        await coded.WriteStateAsync();
        await configured.WriteStateAsync();
        return coded.State.Value;
    }

    public Task<int> GetAsync() => coded.State.Value == configured.State.Value
        ? Task.FromResult(coded.State.Value)
        : throw new InvalidOperationException(
            $"{coded.State.Value} in one storage, {configured.State.Value} in the other");

    public async Task ClearAsync()
    {
        await coded.ClearStateAsync();
        await configured.ClearStateAsync();
    }

    public Task<SiloAddress> WhereAsync() => Task.FromResult(silo.SiloAddress);
}

[GenerateSerializer]
[Alias("Dmt.Grains.Tests.Count")]
public sealed class Count
{
    [Id(0)]
    public int Value { get; set; }
}
