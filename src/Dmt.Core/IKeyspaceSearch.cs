using Dmt.Core.Keys;

namespace Dmt.Core;

/// <summary>Search by any of the segments of keys, for stores with keyspaces.</summary>
public interface IKeyspaceSearch
{
    /// <summary>The keyspaces of the store, and how far their copies are. In the order of their names.</summary>
    /// <exception cref="DmtException">Closed; Unavailable where a server does not answer.</exception>
    ValueTask<IReadOnlyList<KeyspaceInfo>> ListKeyspacesAsync(CancellationToken cancellationToken = default);

    /// <summary>One page of the keys that match a pattern; see <see cref="MatchRequest"/>.</summary>
    /// <exception cref="DmtException">
    /// InvalidArgument for the pattern, the keyspace or the cursor; Unavailable where the copies are being built and
    /// the request does not wait for them, or cannot be brought up to date; Fenced; Closed.
    /// </exception>
    ValueTask<MatchPage> MatchAsync(MatchRequest request, CancellationToken cancellationToken = default);

    /// <summary>
    /// Makes the copies of a keyspace again from its keys, in the background; searches wait, or are refused, until it
    /// is done.
    /// </summary>
    /// <param name="name">The keyspace.</param>
    /// <param name="cancellationToken">Gives up, before it is begun.</param>
    /// <returns>False when there is no such keyspace.</returns>
    ValueTask<bool> RebuildKeyspaceAsync(string name, CancellationToken cancellationToken = default);
}

/// <summary>One page of a search by segments.</summary>
public sealed record MatchRequest
{
    /// <summary>The pattern; see <see cref="SegmentPattern.Parse"/>.</summary>
    public required string Pattern { get; init; }

    /// <summary>The name of the keyspace; null where the store has only one.</summary>
    public string? Keyspace { get; init; }

    /// <summary>Most keys in the page, 1 to <see cref="ScanRequest.LimitMax"/>; 1,000 by default.</summary>
    public int Limit { get; init; } = 1000;

    /// <summary>The values too: each costs a get. False by default.</summary>
    public bool WithValues { get; init; }

    /// <summary>
    /// True for every write that was acknowledged before the search began: it waits until the copies have it. False for
    /// what the copies have. True by default.
    /// </summary>
    public bool IsStrong { get; init; } = true;

    /// <summary>The cursor of the page before; the pattern and the keyspace must be the same. Null for the first.
    /// </summary>
    public string? Cursor { get; init; }

    /// <summary>
    /// The page ends early once keys and values exceed this many bytes (at least one comes); 16 MiB by default.
    /// </summary>
    public int BytesMax { get; init; } = 16 << 20;
}

/// <summary>A page of keys that match.</summary>
/// <param name="Results">
/// In an order that is the same for every search with the same segments fixed; that of the keys where the fixed ones
/// come first.
/// </param>
/// <param name="Cursor">Opaque; hand it to the next request. It survives restarts. Null at the end.</param>
/// <param name="LagMs">
/// Milliseconds since the oldest write that the copies may lack; 0 where they lack none.
/// </param>
public sealed record MatchPage(IReadOnlyList<MatchedKey> Results, string? Cursor, long LagMs);

/// <summary>A key that matches.</summary>
/// <param name="Key">The key.</param>
/// <param name="Entry">What it holds; null where values were not asked for.</param>
public readonly record struct MatchedKey(ReadOnlyMemory<byte> Key, Entry? Entry);

/// <summary>A keyspace as it stands.</summary>
/// <param name="Keyspace">What it was declared as.</param>
/// <param name="Copies">How many copies of each key are kept, the one in the key's own order among them.</param>
/// <param name="IsBuilt">False while the copies are being made from the keys.</param>
/// <param name="LagMs">Milliseconds since the oldest write that the copies may lack; 0 where they lack none.</param>
/// <param name="KeysTooLong">
/// Keys met since the store was opened that were there before the keyspace and are too long for it: not found.
/// </param>
/// <param name="Problem">Why the copies are not brought up to date; null when all is well.</param>
public sealed record KeyspaceInfo(
    Keyspace Keyspace, int Copies, bool IsBuilt, long LagMs, long KeysTooLong, string? Problem);
