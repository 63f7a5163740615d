// A search by segments is a scan of the copies in the order that has the fixed segments in front, under these as the
// prefix; what is found is turned back into keys. The cursor says where the copies of the next page begin: base64url of
// a format version, the order, and the last copy handed out. It names no generation, so it survives rebuilds.
using System.Buffers.Text;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Keyspaces;

/// <summary>One request for a page of keys that match a pattern.</summary>
internal sealed class MatchSearch
{
    private const byte CursorVersion = 1;

    private readonly MatchRequest _request;
    private readonly SegmentPattern _pattern;
    private readonly byte[]? _after; // the last copy of the page before
    private readonly int _afterOrder;

    private MatchSearch(MatchRequest request, SegmentPattern pattern, byte[]? after, int afterOrder) =>
        (_request, _pattern, _after, _afterOrder) = (request, pattern, after, afterOrder);

    /// <exception cref="DmtException">InvalidArgument for the limit, the pattern or the cursor.</exception>
    public static MatchSearch Of(MatchRequest request, Keyspace keyspace)
    {
        if (request.Limit is < 1 or > ScanRequest.LimitMax)
        {
            throw DmtException.InvalidArgument($"a limit of {request.Limit}: expected 1 to {ScanRequest.LimitMax}");
        }

        var pattern = SegmentPattern.Parse(keyspace, request.Pattern);
        if (request.Cursor is not { } cursor)
        {
            return new MatchSearch(request, pattern, null, 0);
        }

        byte[] bytes;
        try
        {
            bytes = Base64Url.DecodeFromChars(cursor);
        }
        catch (FormatException e)
        {
            throw new DmtException(
                DmtErrorKind.InvalidArgument, $"the cursor \"{cursor}\" is not one of this store", e);
        }

        if (bytes.Length < 3 || bytes.Length > Key.BytesMax || bytes[0] != CursorVersion)
        {
            throw DmtException.InvalidArgument($"the cursor \"{cursor}\" is not one of this store");
        }

        return new MatchSearch(request, pattern, bytes[2..], bytes[1]);
    }

    /// <summary>The page, from one generation of copies.</summary>
    public async ValueTask<MatchPage> RunAsync(
        TrieStore store, KeyspaceCopies copies, long lagMs, CancellationToken cancellationToken)
    {
        var order = copies.Keys.OrderFor(_pattern, out var front, out var isWhole);
        using var scan = new Scan(store.Shards, RangeOf(copies, order, front, isWhole), reverse: false, null);
        var results = new List<MatchedKey>(Math.Min(_request.Limit, 1024));
        long bytes = 0;
        byte[]? last = null;
        while (await scan.MoveNextAsync(cancellationToken).ConfigureAwait(false))
        {
            if (results.Count >= _request.Limit || bytes >= _request.BytesMax)
            {
                return new MatchPage(results, Encode(order, last!), lagMs);
            }

            last = scan.Key[CopyKeys.HeaderBytes..].ToArray();
            var key = copies.Keys.TryDecode(order, last) ?? throw DmtException.Corruption(
                $"keyspace {copies.Keyspace.Name}", 0, $"a copy in order {order} is none of a key; rebuild it");
            bytes += key.Length;
            if (!_request.WithValues)
            {
                results.Add(new MatchedKey(key, null));
            }
            else if (await store.GetUncheckedAsync(key, cancellationToken).ConfigureAwait(false) is { } entry)
            {
                // Otherwise it was removed since.
                bytes += entry.Value.Length + entry.Metadata.Length;
                results.Add(new MatchedKey(key, entry));
            }
        }

        return new MatchPage(results, null, lagMs);
    }

    private KeyRange RangeOf(KeyspaceCopies copies, int order, byte[] front, bool isWhole)
    {
        var prefix = CopyKeys.Prefix(copies.Generation, order, front);
        var range = isWhole ? new KeyRange(prefix, (byte[])[.. prefix, 0]) : KeyRange.Prefix(prefix);
        if (_after is null)
        {
            return range;
        }

        var after = CopyKeys.Prefix(copies.Generation, order, _after);
        if (order != _afterOrder || !range.Contains(after))
        {
            throw DmtException.InvalidArgument(
                $"the cursor \"{_request.Cursor}\" belongs to another pattern or keyspace");
        }

        return new KeyRange((byte[])[.. after, 0], range.End);
    }

    private static string Encode(int order, ReadOnlySpan<byte> copy) =>
        Base64Url.EncodeToString([CursorVersion, (byte)order, .. copy]);
}
