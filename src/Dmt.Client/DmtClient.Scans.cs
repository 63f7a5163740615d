// A page is put together from pages of the shards that its range lies in, in order of keys. The first shard is asked
// alone, for mostly it has enough; the further the walk goes, the more of the next ones are asked side by side.
using Dmt.Contracts.Messages;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;

namespace Dmt.Client;

public sealed partial class DmtClient
{
    private const int AheadMax = 8;

    /// <inheritdoc/>
    /// <remarks>Over several shards, a snapshot of each.</remarks>
    public async ValueTask<ScanPage> ScanAsync(ScanRequest request, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        request.Validate();
        using var span = ClientSpans.Start("dmt.scan");
        var entries = new List<KeyEntry>(Math.Min(request.Limit, 1024));
        var walk = new Walk(request.RangeLeft, request.Reverse);
        var bytes = 0L;
        var ahead = 1;
        while (!walk.Left.IsEmpty)
        {
            if (entries.Count >= request.Limit || bytes >= request.BytesMax)
            {
                // Full at the end of a shard: there is a next page if any of the next ones has a key.
                return Page(await AnyAsync(walk, cancellationToken).ConfigureAwait(false));
            }

            var asked = new ShardScan
            {
                Limit = request.Limit - entries.Count,
                BytesMax = (int)Math.Max(1, request.BytesMax - bytes),
                Reverse = request.Reverse,
                KeysOnly = request.KeysOnly,
            };
            foreach (var (segment, page) in await ScanNextAsync(walk, asked, ahead, cancellationToken)
                .ConfigureAwait(false))
            {
                foreach (var entry in page.Entries)
                {
                    if (entries.Count >= request.Limit || bytes >= request.BytesMax)
                    {
                        return Page(more: true);
                    }

                    entries.Add(new KeyEntry(entry.Key, entry.Entry));
                    bytes += entry.Key.Length + entry.Entry.Value.Length + entry.Entry.Metadata.Length;
                }

                if (page.More)
                {
                    return Page(more: true);
                }

                walk.Pass(segment.Range);
            }

            ahead = Math.Min(AheadMax, ahead * 2);
        }

        return Page(more: false);

        ScanPage Page(bool more) => new(
            entries, more && entries.Count > 0 ? PageCursor.Encode(entries[^1].Key.Span, request.Reverse) : null);
    }

    /// <inheritdoc/>
    /// <remarks>Over several shards, a snapshot of each.</remarks>
    public async ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        Key.ValidatePrefix(range.Start.Span);
        Key.ValidatePrefix(range.End.GetValueOrDefault().Span);
        using var span = ClientSpans.Start("dmt.count");
        var walk = new Walk(ReservedKeys.Clip(range), reverse: false);
        var count = 0L;
        while (!walk.Left.IsEmpty)
        {
            var counted = await NextAsync(
                walk,
                AheadMax,
                "count keys",
                static (shard, segment, stop) => shard.Grain.CountAsync(segment.Range, stop),
                cancellationToken).ConfigureAwait(false);
            foreach (var (segment, some) in counted)
            {
                count += some;
                walk.Pass(segment.Range);
            }
        }

        return count;
    }

    private async ValueTask<bool> AnyAsync(Walk walk, CancellationToken cancellationToken)
    {
        var probe = new ShardScan { Limit = 1, BytesMax = 1, Reverse = walk.Reverse, KeysOnly = true };
        for (var ahead = 1; !walk.Left.IsEmpty; ahead = Math.Min(AheadMax, ahead * 2))
        {
            foreach (var (segment, page) in await ScanNextAsync(walk, probe, ahead, cancellationToken)
                .ConfigureAwait(false))
            {
                if (page.Entries.Length > 0)
                {
                    return true;
                }

                walk.Pass(segment.Range);
            }
        }

        return false;
    }

    private ValueTask<List<(ShardSegment Segment, ShardScanPage Result)>> ScanNextAsync(
        Walk walk, ShardScan scan, int ahead, CancellationToken cancellationToken) => NextAsync(
            walk,
            ahead,
            "scan",
            (shard, segment, stop) => shard.Grain.ScanAsync(scan with { Range = segment.Range }, stop),
            cancellationToken);

    /// <summary>Asks the next shards of a walk, side by side; all of them, or all again by a newer map.</summary>
    private ValueTask<List<(ShardSegment Segment, T Result)>> NextAsync<T>(
        Walk walk,
        int ahead,
        string what,
        Func<ShardHandle, ShardSegment, CancellationToken, ValueTask<T>> ask,
        CancellationToken cancellationToken) => _retries.RunAsync(
            () => $"could not {what} from \"{Key.ToDisplay(walk.Left.Start.Span)}\"",
            walk,
            async (walk, stop) =>
            {
                walk.Map = await _routing.MapAsync(stop).ConfigureAwait(false);
                var segments = walk.Map.Segments(walk.Left, walk.Reverse).Take(ahead).ToList();
                var results = await Task.WhenAll(segments.Select(segment =>
                    walk.NoteRefusal(segment.Shard, ask(_routing[segment.Shard], segment, stop)).AsTask()))
                    .ConfigureAwait(false);
                if (segments.Count == 0)
                {
                    walk.End(); // What is left holds no possible key.
                }

                return segments.Zip(results).ToList();
            },
            RefreshAsync,
            cancellationToken);

    /// <summary>How far a walk over a range has come.</summary>
    private sealed class Walk(KeyRange range, bool reverse) : RoutedCall
    {
        public KeyRange Left { get; private set; } = range;

        public bool Reverse { get; } = reverse;

        /// <summary>The next piece, in the direction of the walk, is done with.</summary>
        public void Pass(KeyRange segment)
        {
            if (Reverse)
            {
                Left = new KeyRange(Left.Start, segment.Start);
            }
            else if (segment.End is { } end)
            {
                Left = new KeyRange(end, Left.End);
            }
            else
            {
                End();
            }
        }

        public void End() => Left = new KeyRange(default, ReadOnlyMemory<byte>.Empty);
    }
}
