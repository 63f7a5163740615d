namespace Dmt.Core.Keys;

/// <summary>
/// A range of keys in bytewise order: from <see cref="Start"/>, inclusive, to <see cref="End"/>, exclusive.
/// </summary>
/// <param name="Start">First key that belongs to the range; empty means from the beginning.</param>
/// <param name="End">First key after the range; null means to the end of all keys.</param>
public readonly record struct KeyRange(ReadOnlyMemory<byte> Start, ReadOnlyMemory<byte>? End)
{
    /// <summary>Every key.</summary>
    public static KeyRange All => default;

    /// <summary>Every key that begins with <paramref name="prefix"/>; an empty prefix means every key.</summary>
    public static KeyRange Prefix(ReadOnlyMemory<byte> prefix) => new(prefix, PrefixEnd(prefix.Span));

    /// <summary>True when no key can be in the range: it ends before the first key that it could hold.</summary>
    public bool IsEmpty
    {
        get
        {
            if (Start.Length > Key.BytesMax)
            {
                // The place right after the longest key: the next key is the next one of that length, or shorter.
                return PrefixEnd(Start.Span[..Key.BytesMax]) is not { } next
                    || (End is { } before && next.Span.SequenceCompareTo(before.Span) >= 0);
            }

            return End is { } end && First.SequenceCompareTo(end.Span) >= 0;
        }
    }

    /// <summary>The first key that may be in the range: no key is empty, so the least is one zero byte.</summary>
    private ReadOnlySpan<byte> First => Start.IsEmpty ? [0] : Start.Span;

    public bool Contains(ReadOnlySpan<byte> key) =>
        key.SequenceCompareTo(Start.Span) >= 0 && (End is not { } end || key.SequenceCompareTo(end.Span) < 0);

    public bool Equals(KeyRange other) =>
        Start.Span.SequenceEqual(other.Start.Span)
        && End.HasValue == other.End.HasValue
        && (End is not { } end || end.Span.SequenceEqual(other.End!.Value.Span));

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(Start.Span);
        hash.Add(End.HasValue);
        hash.AddBytes(End.GetValueOrDefault().Span);
        return hash.ToHashCode();
    }

    /// <summary>
    /// The first key after all keys that begin with <paramref name="prefix"/>; null where there is none (empty, or all
    /// 0xFF).
    /// </summary>
    public static ReadOnlyMemory<byte>? PrefixEnd(ReadOnlySpan<byte> prefix)
    {
        var length = prefix.Length;
        while (length > 0 && prefix[length - 1] == 0xFF)
        {
            length--;
        }

        if (length == 0)
        {
            return null;
        }

        var end = prefix[..length].ToArray();
        end[length - 1]++;
        return end;
    }
}
