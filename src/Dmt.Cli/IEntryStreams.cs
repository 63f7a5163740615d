using Dmt.Core;

namespace Dmt.Cli;

/// <summary>
/// What some stores can do better than page by page; <see cref="EntryStreams"/> does it for all others.
/// </summary>
internal interface IEntryStreams
{
    /// <summary>The entries of the request's range, at most <paramref name="limit"/>, in its direction.</summary>
    IAsyncEnumerable<KeyEntry> StreamAsync(ScanRequest request, long limit, CancellationToken cancellationToken);

    /// <summary>
    /// Keys of text that begin with <paramref name="prefix"/>, at most <paramref name="limit"/>: in key order, or
    /// heaviest first.
    /// </summary>
    IAsyncEnumerable<string> SearchAsync(string prefix, long limit, bool byWeight, CancellationToken cancellationToken);
}
