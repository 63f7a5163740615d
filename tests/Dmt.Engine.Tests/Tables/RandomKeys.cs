namespace Dmt.Engine.Tests.Tables;

/// <summary>Keys that are prefixes of each other, meet at zero bytes, and share long beginnings.</summary>
internal static class RandomKeys
{
    private static readonly byte[] Alphabet = [0, 1, (byte)'a', 0xFF];

    public static readonly IComparer<byte[]> Order =
        Comparer<byte[]>.Create(static (a, b) => a.AsSpan().SequenceCompareTo(b));

    public static byte[] Next(Random random, byte[] prefix, int lengthMax) =>
        [.. prefix, .. random.GetItems(Alphabet, random.Next(1, lengthMax + 1))];

    public static List<byte[]> Sorted(Random random, int count, byte[] prefix, int lengthMax)
    {
        var keys = new SortedSet<byte[]>(Order);
        for (var i = 0; i < count; i++)
        {
            keys.Add(Next(random, prefix, lengthMax));
        }

        return [.. keys];
    }
}
