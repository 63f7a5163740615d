using Dmt.Core;

namespace Dmt.Engine.Replication;

/// <content>Search by segments: the main's, whose feed knows how far the copies are.</content>
public sealed partial class RoleStore
{
    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<KeyspaceInfo>> ListKeyspacesAsync(CancellationToken cancellationToken = default) =>
        Keyspaces.ListKeyspacesAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask<MatchPage> MatchAsync(MatchRequest request, CancellationToken cancellationToken = default) =>
        Keyspaces.MatchAsync(request, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<bool> RebuildKeyspaceAsync(string name, CancellationToken cancellationToken = default) =>
        Keyspaces.RebuildKeyspaceAsync(name, cancellationToken);

    private IKeyspaceSearch Keyspaces => Current as IKeyspaceSearch
        ?? throw new DmtException(
            DmtErrorKind.NotOwner, $"this is a read replica of {Main ?? "a main"}: search by segments there");
}
