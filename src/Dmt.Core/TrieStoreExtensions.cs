using System.Runtime.CompilerServices;
using System.Text;
using Dmt.Core.Keys;

namespace Dmt.Core;

/// <summary>Text keys and values, and whole-range enumeration, over any <see cref="ITrieStore"/>.</summary>
public static class TrieStoreExtensions
{
    public static ValueTask<ulong> PutAsync(
        this ITrieStore store,
        string key,
        string value,
        WriteOptions options = default,
        CancellationToken cancellationToken = default) =>
        store.PutAsync(Key.FromText(key), Encoding.UTF8.GetBytes(value), options, cancellationToken);

    public static ValueTask<Entry?> GetAsync(
        this ITrieStore store, string key, CancellationToken cancellationToken = default) =>
        store.GetAsync(Key.FromText(key), cancellationToken);

    /// <summary>The value as UTF-8 text; null where the key is absent.</summary>
    public static async ValueTask<string?> GetTextAsync(
        this ITrieStore store, string key, CancellationToken cancellationToken = default)
    {
        var entry = await store.GetAsync(Key.FromText(key), cancellationToken).ConfigureAwait(false);
        return entry is { } found ? Encoding.UTF8.GetString(found.Value.Span) : null;
    }

    public static ValueTask<ulong> DeleteAsync(
        this ITrieStore store,
        string key,
        WriteOptions options = default,
        CancellationToken cancellationToken = default) =>
        store.DeleteAsync(Key.FromText(key), options, cancellationToken);

    /// <summary>Every key that begins with <paramref name="prefix"/>, in order, with its value as text.</summary>
    public static async IAsyncEnumerable<KeyValuePair<string, string>> PrefixAsync(
        this ITrieStore store, string prefix, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = new ScanRequest { Range = KeyRange.Prefix(Key.PrefixFromText(prefix)) };
        await foreach (var (key, entry) in store.EnumerateAsync(request, cancellationToken).ConfigureAwait(false))
        {
            yield return new(Encoding.UTF8.GetString(key.Span), Encoding.UTF8.GetString(entry.Value.Span));
        }
    }

    /// <summary>All entries of the request, page after page. Each page is a snapshot; the whole is not.</summary>
    public static async IAsyncEnumerable<KeyEntry> EnumerateAsync(
        this ITrieStore store,
        ScanRequest request,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        do
        {
            var page = await store.ScanAsync(request, cancellationToken).ConfigureAwait(false);
            foreach (var entry in page.Entries)
            {
                yield return entry;
            }

            request = request with { Cursor = page.Cursor };
        }
        while (request.Cursor is not null);
    }
}
