using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;
using Dmt.Api;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Cli;

/// <summary><see cref="IEntryStreams"/> for every store: its own where it has any, else made of scans.</summary>
internal static class EntryStreams
{
    private const int PageEntries = 1000;

    public static IAsyncEnumerable<KeyEntry> StreamAsync(
        this ITrieStore store, ScanRequest request, long limit, CancellationToken cancellationToken) =>
        store is IEntryStreams streams
            ? streams.StreamAsync(request, limit, cancellationToken)
            : PageAsync(store, request, limit, cancellationToken);

    public static IAsyncEnumerable<string> SearchAsync(
        this ITrieStore store, string prefix, long limit, bool byWeight, CancellationToken cancellationToken) =>
        store is IEntryStreams streams ? streams.SearchAsync(prefix, limit, byWeight, cancellationToken)
        : byWeight ? HeaviestAsync(store, prefix, limit, cancellationToken)
        : FirstAsync(store, prefix, limit, cancellationToken);

    private static async IAsyncEnumerable<KeyEntry> PageAsync(
        ITrieStore store, ScanRequest request, long limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var left = limit;
        do
        {
            var page =
                await store.ScanAsync(request with { Limit = (int)Math.Min(left, PageEntries) }, cancellationToken);
            foreach (var entry in page.Entries)
            {
                yield return entry;
            }

            left -= page.Entries.Count;
            request = request with { Cursor = page.Cursor };
        }
        while (request.Cursor is not null && left > 0);
    }

    private static async IAsyncEnumerable<string> FirstAsync(
        ITrieStore store, string prefix, long limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var left = limit;
        await foreach (var (key, _) in PageAsync(store, Under(prefix), long.MaxValue, cancellationToken))
        {
            if (Utf8.IsValid(key.Span))
            {
                yield return Encoding.UTF8.GetString(key.Span);
                if (--left == 0)
                {
                    yield break;
                }
            }
        }
    }

    /// <summary>
    /// Keeps the heaviest so far in a heap whose root is the lightest of them; ties go to the smaller key.
    /// </summary>
    private static async IAsyncEnumerable<string> HeaviestAsync(
        ITrieStore store, string prefix, long limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Keys come in order, so the later of two equal weights is the lesser one: its number breaks the tie.
        var kept = new PriorityQueue<byte[], (double Weight, long Number)>();
        var number = 0L;
        await foreach (var (key, entry) in PageAsync(store, Under(prefix), long.MaxValue, cancellationToken))
        {
            if (!Utf8.IsValid(key.Span))
            {
                continue;
            }

            kept.Enqueue(key.ToArray(), (EntryMetadata.Decode(entry.Metadata.Span).Weight, -number++));
            if (kept.Count > limit)
            {
                kept.Dequeue();
            }
        }

        var words = new Stack<byte[]>(kept.Count);
        while (kept.TryDequeue(out var word, out _))
        {
            words.Push(word);
        }

        foreach (var word in words)
        {
            yield return Encoding.UTF8.GetString(word);
        }
    }

    private static ScanRequest Under(string prefix) =>
        new() { Range = KeyRange.Prefix(Key.PrefixFromText(prefix)), KeysOnly = true };
}
