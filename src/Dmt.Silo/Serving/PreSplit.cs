using Dmt.Client;
using Dmt.Core;
using Dmt.Core.Sharding;

namespace Dmt.Silo.Serving;

/// <summary>Cuts a new store into shards, so that it is spread over the silos from its first write on.</summary>
internal static class PreSplit
{
    /// <summary>Does nothing to a store that has something in it, or has been cut.</summary>
    /// <param name="client">The cluster.</param>
    /// <param name="kFactor">Length of the prefixes; 0 for none.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task RunAsync(DmtClient client, int kFactor, CancellationToken cancellationToken)
    {
        if (kFactor == 0 || !await IsNewAsync(client, cancellationToken))
        {
            return;
        }

        // All prefixes of one split must lie in one shard: the short ones first, then those under each of them.
        foreach (var siblings in PreSplitPrefixes.Of(kFactor).GroupBy(static prefix => ParentOf(prefix.Span)))
        {
            await SplitAsync(client, [.. siblings], cancellationToken);
        }
    }

    private static int ParentOf(ReadOnlySpan<byte> prefix) => prefix.Length == 1 ? -1 : prefix[0];

    private static async Task SplitAsync(
        DmtClient client, ReadOnlyMemory<byte>[] prefixes, CancellationToken cancellationToken)
    {
        try
        {
            await client.SplitShardAsync(prefixes, cancellationToken);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.InvalidArgument)
        {
            // Silos that start together all see a new store; another one has cut it here.
            var shards = await client.ListShardsAsync(cancellationToken);
            if (!shards.Any(shard => shard.Prefix.Span.SequenceEqual(prefixes[0].Span)))
            {
                throw;
            }
        }
    }

    private static async Task<bool> IsNewAsync(DmtClient client, CancellationToken cancellationToken) =>
        (await client.ListShardsAsync(cancellationToken)).Count == 1
        && (await client.ScanAsync(new ScanRequest { Limit = 1 }, cancellationToken)).Entries.Count == 0;
}
