using Orleans.Storage;

namespace Dmt.Grains.AzureStorage;

/// <summary>
/// Orleans' storage in blobs, with the service's id in front of their names, which it leaves out: otherwise two
/// services in one account would take each other's states for their own.
/// </summary>
/// <param name="blobs">Orleans' storage.</param>
/// <param name="serviceId">The service.</param>
internal sealed class ServiceBlobGrainStorage(IGrainStorage blobs, string serviceId)
    : IGrainStorage, ILifecycleParticipant<ISiloLifecycle>
{
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ReadStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public Task ReadStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken) =>
        blobs.ReadStateAsync(NameOf(stateName), grainId, grainState, cancellationToken);

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public Task WriteStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken) =>
        blobs.WriteStateAsync(NameOf(stateName), grainId, grainState, cancellationToken);

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ClearStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public Task ClearStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken) =>
        blobs.ClearStateAsync(NameOf(stateName), grainId, grainState, cancellationToken);

    public void Participate(ISiloLifecycle lifecycle) =>
        ((ILifecycleParticipant<ISiloLifecycle>)blobs).Participate(lifecycle);

    private string NameOf(string stateName) => $"{serviceId}/{stateName}";
}
