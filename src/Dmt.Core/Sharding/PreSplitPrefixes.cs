namespace Dmt.Core.Sharding;

/// <summary>
/// The prefixes at which a new store is cut into shards, for the setting <c>kFactor</c>: prefixes of k bytes that text
/// is likely to begin with. Keys that begin otherwise stay with the shard above, and whatever grows is carved anyway.
/// </summary>
/// <remarks>
/// k = 0: none. k = 1: each first byte that UTF-8 text without control characters can have, 0x20 to 0x7E and 0xC2 to
/// 0xF4: 146. k = 2: these, and every pair of the digits and lower-case letters of ASCII: 1,442. All pairs that text
/// may begin with would be over 12,000, all triples a million: above 2 the prefixes should be given by hand.
/// </remarks>
public static class PreSplitPrefixes
{
    /// <summary>Highest k for which there is a list.</summary>
    public const int KFactorMax = 2;

    private const string Frequent = "0123456789abcdefghijklmnopqrstuvwxyz";

    /// <summary>The prefixes for <paramref name="kFactor"/>, in bytewise order.</summary>
    /// <param name="kFactor">0 to <see cref="KFactorMax"/>.</param>
    /// <exception cref="DmtException">InvalidArgument for what is out of its range.</exception>
    public static ReadOnlyMemory<byte>[] Of(int kFactor)
    {
        if (kFactor is < 0 or > KFactorMax)
        {
            throw DmtException.InvalidArgument($"kFactor is {kFactor}: expected 0 to {KFactorMax}");
        }

        var prefixes = new List<ReadOnlyMemory<byte>>();
        for (var first = 0x20; kFactor > 0 && first <= 0xF4; first++)
        {
            if (first is >= 0x7F and < 0xC2)
            {
                continue;
            }

            prefixes.Add(new[] { (byte)first });
            if (kFactor > 1 && Frequent.Contains((char)first))
            {
                prefixes.AddRange(Frequent.Select(second =>
                    (ReadOnlyMemory<byte>)new[] { (byte)first, (byte)second }));
            }
        }

        return [.. prefixes];
    }
}
