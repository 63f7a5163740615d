using Dmt.Core;

namespace Dmt.Api;

/// <summary>
/// Whether this server takes requests, as <c>/readyz</c> tells. Asked every few seconds: it must be cheap, and depend
/// on no other server. Where none is registered, the store's statistics say it.
/// </summary>
public interface IReadiness
{
    /// <summary>Returns when requests are served.</summary>
    /// <returns>Why writes are refused; null where they are taken.</returns>
    /// <exception cref="DmtException">Requests are not served; the message says why.</exception>
    ValueTask<string?> CheckAsync(CancellationToken cancellationToken);
}
