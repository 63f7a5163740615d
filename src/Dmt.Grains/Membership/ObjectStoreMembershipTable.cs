using Dmt.Core;
using Dmt.Engine.Objects;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Dmt.Grains.Membership;

/// <summary>Orleans' membership table in an object store; see <see cref="MembershipObjects"/>.</summary>
internal sealed class ObjectStoreMembershipTable : IMembershipTable
{
    private const int CleanupAttempts = 10;

    private readonly IObjectStore _store;
    private readonly string _clusterId;
    private readonly MembershipObjects _objects;

    public ObjectStoreMembershipTable(
        [FromKeyedServices(ObjectStoreClusteringOptions.StoreKey)] IObjectStore store,
        IOptions<ObjectStoreClusteringOptions> options,
        IOptions<ClusterOptions> cluster,
        ILogger<ObjectStoreMembershipTable> log)
    {
        _store = store;
        _clusterId = cluster.Value.ClusterId;
        _objects = new MembershipObjects(store, options.Value.Prefix, _clusterId, log);
    }

    /// <summary>A table that was never written to is empty, so there is nothing to make; the store is probed.</summary>
    public Task InitializeMembershipTable(bool tryInitTableVersion) =>
        ObjectStoreProbe.RunAsync(_store, Guid.NewGuid().ToString("N"));

    public Task DeleteMembershipTableEntries(string clusterId) =>
        clusterId == _clusterId
            ? _objects.DeleteAllAsync()
            : throw DmtException.InvalidArgument(
                $"the table of cluster \"{clusterId}\": this one is of cluster \"{_clusterId}\"");

    public async Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate)
    {
        var before = beforeDate.UtcDateTime;
        for (var attempt = 0; attempt < CleanupAttempts; attempt++)
        {
            var (table, alive) = await _objects.ReadAsync();
            var kept = table.Rows.Where(row => !IsDefunct(row, alive, before)).ToList();
            if (kept.Count == table.Rows.Count || await _objects.TryWriteAsync(table.Next(kept)))
            {
                await _objects.DeleteOldAliveAsync(table with { Rows = kept }, before);
                return;
            }
        }

        throw DmtException.Unavailable(
            $"the membership table of cluster \"{_clusterId}\" changed {CleanupAttempts} times while defunct silos "
            + "were to be removed from it");
    }

    public async Task<MembershipTableData> ReadRow(SiloAddress key)
    {
        var (table, alive) = await _objects.ReadAsync();
        return table.Find(key) is { } row
            ? new MembershipTableData(row.ToEntry(alive), table.TableVersion)
            : new MembershipTableData(table.TableVersion);
    }

    public async Task<MembershipTableData> ReadAll()
    {
        var (table, alive) = await _objects.ReadAsync();
        return new MembershipTableData([.. table.Rows.Select(row => row.ToEntry(alive))], table.TableVersion);
    }

    public async Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion)
    {
        if (await FindBaseAsync(tableVersion) is not { } table || table.Find(entry.SiloAddress) is not null)
        {
            return false;
        }

        return await _objects.TryWriteAsync(table.Next([.. table.Rows, MembershipRow.Of(entry, table.Version + 1)]));
    }

    public async Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion)
    {
        if (await FindBaseAsync(tableVersion) is not { } table
            || table.Find(entry.SiloAddress) is not { } old || old.ETag != etag)
        {
            return false;
        }

        var row = MembershipRow.Of(entry, table.Version + 1);
        return await _objects.TryWriteAsync(table.Next(table.Rows.Select(r => r == old ? row : r)));
    }

    public Task UpdateIAmAlive(MembershipEntry entry) =>
        _objects.PutAliveAsync(entry.SiloAddress, entry.IAmAliveTime);

    /// <summary>The version that the caller has read and wants to replace; null where it is that no more.</summary>
    private async Task<MembershipSnapshot?> FindBaseAsync(TableVersion next)
    {
        var table = await _objects.ReadVersionAsync(next.Version - 1);
        return table?.ETag == next.VersionEtag ? table : null;
    }

    private static bool IsDefunct(MembershipRow row, IReadOnlyDictionary<string, DateTime> alive, DateTime before) =>
        row.Status != SiloStatus.Active && row.LastAlive(alive) < before && row.StartTime < before;
}
