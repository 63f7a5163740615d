namespace Dmt.Engine.Shards;

/// <content>Snapshots of the whole store: while there are any, shards stay what they are.</content>
internal sealed partial class ShardDirectory
{
    private readonly List<DirectorySnapshot> _snapshots = []; // guarded by _lock

    /// <summary>Shards cannot be carved or merged now.</summary>
    public bool HasSnapshots
    {
        get
        {
            lock (_lock)
            {
                return _snapshots.Count > 0;
            }
        }
    }

    /// <summary>Every shard as it is now; those that are not open have no writers, and are as they will be opened.
    /// </summary>
    public DirectorySnapshot OpenSnapshot()
    {
        ThrowIfClosed();
        lock (_lock)
        {
            var snapshot = new DirectorySnapshot();
            foreach (var shard in _open.Values)
            {
                snapshot.Add(shard);
            }

            _snapshots.Add(snapshot);
            return snapshot;
        }
    }

    public void CloseSnapshot(DirectorySnapshot snapshot)
    {
        lock (_lock)
        {
            _snapshots.Remove(snapshot);
            snapshot.Close();
        }

        _host.Balancer?.SnapshotClosed();
    }
}
