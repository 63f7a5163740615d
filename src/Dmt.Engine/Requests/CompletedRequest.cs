namespace Dmt.Engine.Requests;

/// <summary>A request that a shard has applied.</summary>
/// <param name="Number">The client's number of it.</param>
/// <param name="Version">What it was answered with; at least 1.</param>
/// <param name="Scope">
/// The keys that it is known to be applied for; null for all that the shard owns (see <see cref="RequestScope"/>).
/// </param>
internal readonly record struct CompletedRequest(ulong Number, ulong Version, RequestScope? Scope);

/// <summary>What a shard knows of a client, as manifests keep it.</summary>
/// <param name="Client">Who.</param>
/// <param name="PendingFrom">Everything below is complete, as the client said; at least 1.</param>
/// <param name="LastUsedMs">When it was heard of, in milliseconds since 1970-01-01 UTC.</param>
/// <param name="Completed">In order of numbers, none below <paramref name="PendingFrom"/>.</param>
internal sealed record RequestClient(
    ulong Client, ulong PendingFrom, long LastUsedMs, IReadOnlyList<CompletedRequest> Completed);
