using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Requests;

/// <summary>
/// The keys that a request is known to be applied for. A batch over two shards may have been applied in one of them
/// when they are merged; then what the merged shard knows of it holds for the keys of that one. Immutable.
/// </summary>
internal sealed class RequestScope
{
    public RequestScope(IEnumerable<KeyRange> ranges)
    {
        KeyRange[] sorted = [.. ranges];
        Array.Sort(sorted, static (x, y) => x.Start.Span.SequenceCompareTo(y.Start.Span));
        var joined = new List<KeyRange>();
        foreach (var range in sorted)
        {
            if (joined.Count > 0 && Reaches(joined[^1], range.Start))
            {
                joined[^1] = new KeyRange(joined[^1].Start, Later(joined[^1].End, range.End));
            }
            else
            {
                joined.Add(range);
            }
        }

        Ranges = joined;
    }

    /// <summary>In order; between two there is a gap.</summary>
    public IReadOnlyList<KeyRange> Ranges { get; }

    public static RequestScope Union(RequestScope one, RequestScope other) =>
        ReferenceEquals(one, other) ? one : new RequestScope(one.Ranges.Concat(other.Ranges));

    /// <summary>What of a batch lies outside; possibly without any operation.</summary>
    public WriteBatch Missing(WriteBatch batch)
    {
        var missing = new WriteBatch { Request = batch.Request };
        foreach (var operation in batch)
        {
            if (operation.Kind == WriteOperationKind.DeleteRange)
            {
                var range = new KeyRange(
                    operation.Key.ToArray(),
                    operation.HasNoEnd ? default(ReadOnlyMemory<byte>?) : operation.Value.ToArray());
                foreach (var piece in Outside(range))
                {
                    missing.DeleteRange(piece);
                }
            }
            else if (!Contains(operation.Key))
            {
                missing.Append(operation);
            }
        }

        return missing;
    }

    private bool Contains(ReadOnlySpan<byte> key)
    {
        foreach (var range in Ranges)
        {
            if (range.Contains(key))
            {
                return true;
            }
        }

        return false;
    }

    private IEnumerable<KeyRange> Outside(KeyRange range)
    {
        var start = range.Start;
        foreach (var inside in Ranges)
        {
            if (inside.End is { } passed && passed.Span.SequenceCompareTo(start.Span) <= 0)
            {
                continue; // It lies before what is left.
            }

            var gap = new KeyRange(start, Earlier(inside.Start, range.End));
            if (!gap.IsEmpty)
            {
                yield return gap;
            }

            if (inside.End is not { } next)
            {
                yield break;
            }

            start = next;
        }

        var last = new KeyRange(start, range.End);
        if (!last.IsEmpty)
        {
            yield return last;
        }
    }

    private static bool Reaches(KeyRange range, ReadOnlyMemory<byte> start) =>
        range.End is not { } end || end.Span.SequenceCompareTo(start.Span) >= 0;

    private static ReadOnlyMemory<byte>? Later(ReadOnlyMemory<byte>? one, ReadOnlyMemory<byte>? other) =>
        one is not { } x || other is not { } y ? default(ReadOnlyMemory<byte>?)
            : x.Span.SequenceCompareTo(y.Span) >= 0 ? x : y;

    private static ReadOnlyMemory<byte> Earlier(ReadOnlyMemory<byte> one, ReadOnlyMemory<byte>? other) =>
        other is { } y && y.Span.SequenceCompareTo(one.Span) < 0 ? y : one;
}
