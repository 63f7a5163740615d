using Dmt.Core;

namespace Dmt.Api;

/// <summary>A store that this server has open itself.</summary>
internal sealed class StoreReadiness(ITrieStore store) : IReadiness
{
    public async ValueTask<string?> CheckAsync(CancellationToken cancellationToken)
    {
        var statistics = await store.StatAsync(cancellationToken);
        return statistics.Fenced is { } fenced
            ? throw new DmtException(DmtErrorKind.Fenced, $"fenced: {fenced}")
            : statistics.WritesRefused;
    }
}
