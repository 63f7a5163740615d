// A state is one value under one key (GrainStateKey), written whole and only if nobody else wrote it since it was read:
// its etag is the version that the store gave the entry, and every write and clearing is conditional on it.
//
// A large state is not cut into pieces. Pieces may come to lie in different shards, where they cannot be replaced as
// one, and a grain writes all of its state each time anyhow. What is over the store's limit for values is refused
// before anything has changed.
using System.Globalization;
using Dmt.Core;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace Dmt.Grains.Storage;

/// <summary>Keeps the state of grains in a DMT store.</summary>
internal sealed class LsmGrainStorage(
    string name, string serviceId, LsmGrainStorageOptions options, ITrieStore store, IActivatorProvider activators)
    : IGrainStorage
{
    /// <summary>The metadata of an entry that only keeps the etag of a state that was cleared.</summary>
    private static readonly byte[] Cleared = "cleared"u8.ToArray();

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ReadStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ReadStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var key = GrainStateKey.Of(serviceId, name, grainId, stateName);
        var entry = await store.GetAsync(key, cancellationToken);
        var state = entry is { } found && !IsCleared(found)
            ? options.GrainStorageSerializer.Deserialize<T>(BinaryData.FromBytes(found.Value))
            : default;

        grainState.ETag = entry is { } any ? ETagOf(any.Version) : null;
        grainState.RecordExists = entry is { } there && !IsCleared(there) && state is not null;
        grainState.State = grainState.RecordExists ? state! : Create<T>();
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task WriteStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var key = GrainStateKey.Of(serviceId, name, grainId, stateName);
        var condition = Condition(stateName, grainId, grainState.ETag);
        var value = options.GrainStorageSerializer.Serialize(grainState.State!).ToMemory();
        try
        {
            var version = await store.PutAsync(
                key, value, new() { Condition = condition, Durability = options.Durability }, cancellationToken);
            grainState.ETag = ETagOf(version);
            grainState.RecordExists = true;
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Conflict)
        {
            throw Inconsistent(stateName, grainId, "written", e.CurrentVersion, grainState.ETag, e);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.TooLarge)
        {
            throw new DmtException(
                DmtErrorKind.TooLarge,
                $"state \"{stateName}\" of grain {grainId} is {value.Length} bytes, and a state is one value: "
                + e.Message,
                e);
        }
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        ClearStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ClearStateAsync<T>(
        string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var key = GrainStateKey.Of(serviceId, name, grainId, stateName);
        var condition = Condition(stateName, grainId, grainState.ETag);
        if (condition == WriteCondition.Absent)
        {
            // There is nothing to clear, or this grain does not know what it would clear.
            if (await store.GetAsync(key, cancellationToken) is { } found)
            {
                throw Inconsistent(stateName, grainId, "cleared", found.Version, grainState.ETag, null);
            }
        }
        else
        {
            grainState.ETag = await ClearAsync(key, stateName, grainId, condition, cancellationToken);
        }

        grainState.RecordExists = false;
        grainState.State = Create<T>();
    }

    private static bool IsCleared(Entry entry) => entry.Metadata.Span.SequenceEqual(Cleared);

    private static string ETagOf(ulong version) => version.ToString(CultureInfo.InvariantCulture);

    private static WriteCondition Condition(string stateName, GrainId grainId, string? etag)
    {
        if (string.IsNullOrEmpty(etag))
        {
            return WriteCondition.Absent;
        }

        return ulong.TryParse(etag, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? WriteCondition.VersionIs(version)
            : throw new InconsistentStateException(
                $"state \"{stateName}\" of grain {grainId}: the etag \"{etag}\" was not given by this storage",
                null!,
                etag);
    }

    private static InconsistentStateException Inconsistent(
        string stateName, GrainId grainId, string what, ulong stored, string? current, DmtException? inner) => new(
            $"state \"{stateName}\" of grain {grainId} cannot be {what}: "
            + $"it has {(stored == 0 ? "no version any more" : $"version {stored}")}, "
            + $"and {(current is null ? "none" : $"version {current}")} was read",
            (stored == 0 ? null : ETagOf(stored))!,
            current!,
            inner!);

    /// <returns>The etag that is left; null where nothing is.</returns>
    private async Task<string?> ClearAsync(
        byte[] key, string stateName, GrainId grainId, WriteCondition condition, CancellationToken cancellationToken)
    {
        var write = new WriteOptions { Condition = condition, Durability = options.Durability };
        try
        {
            if (options.DeleteStateOnClear)
            {
                await store.DeleteAsync(key, write, cancellationToken);
                return null;
            }

            return ETagOf(await store.PutAsync(key, default, write with { Metadata = Cleared }, cancellationToken));
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Conflict)
        {
            throw Inconsistent(stateName, grainId, "cleared", e.CurrentVersion, ETagOf(condition.Version), e);
        }
    }

    private T Create<T>() => activators.GetActivator<T>().Create();
}
