using Dmt.Core;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Tests.Tables;

public sealed class TableIndexTests
{
    private const int BlockLength = 100;

    [Fact]
    public void Find_agrees_with_a_walk_over_the_separators()
    {
        for (var seed = 0; seed < 2000; seed++)
        {
            var random = new Random(seed);
            byte[] prefix = new byte[random.Next(3) * 5];
            prefix.AsSpan().Fill((byte)random.Next(256));
            var separators = RandomKeys.Sorted(random, random.Next(0, 60), prefix, random.Next(1, 12));
            if (separators.Count > 0 && random.Next(2) == 0)
            {
                // Versions of one key over several blocks: the same separator again.
                var at = random.Next(separators.Count);
                separators.InsertRange(at, Enumerable.Repeat(separators[at], random.Next(1, 5)));
            }

            var index = TableIndex.Parse(Encode(separators), separators.Count * BlockLength, "table", 0);
            Assert.Equal(separators.Count, index.Count);
            var keys = separators
                .Concat(separators.Select(static s => (byte[])[.. s, 0]))
                .Concat(separators.Select(static s => s[..^1]))
                .Concat(Enumerable.Range(0, 50).Select(i => RandomKeys.Next(random, i % 2 == 0 ? prefix : [], 12)));
            foreach (var key in keys)
            {
                var expected = separators.FindIndex(s => s.AsSpan().SequenceCompareTo(key) >= 0);
                var found = index.Find(key);
                Assert.True(
                    (expected < 0 ? separators.Count : expected) == found,
                    $"seed {seed}, key {Convert.ToHexString(key)}: {found} instead of {expected}");
            }
        }
    }

    [Fact]
    public void Blocks_lie_one_after_the_other()
    {
        var index = TableIndex.Parse(Encode(["a"u8.ToArray(), "b"u8.ToArray()]), 2 * BlockLength, "table", 0);
        Assert.Equal((0L, 100L), (index.BlockOffset(0), index.BlockOffset(1)));
        Assert.Equal((100, 100), (index.BlockLength(0), index.BlockLength(1)));
        Assert.Equal("b"u8.ToArray(), index.Separator(1).ToArray());
    }

    [Fact]
    public void An_index_that_was_cut_changed_or_does_not_fit_is_damage_and_nothing_else()
    {
        var separators = RandomKeys.Sorted(new Random(4), 20, [], 6);
        var section = Encode(separators);
        var dataLength = separators.Count * BlockLength;
        for (var length = 0; length < section.Length; length++)
        {
            AssertDamaged(section[..length], dataLength);
        }

        AssertDamaged([.. section, 0], dataLength);
        AssertDamaged(section, dataLength + 1);
        AssertDamaged(Encode(["b"u8.ToArray(), "a"u8.ToArray()]), 2 * BlockLength);
        for (var bit = 0; bit < section.Length * 8; bit++)
        {
            var changed = section.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                var index = TableIndex.Parse(changed, dataLength, "table", 7);
                Assert.InRange(index.Find("a"u8), 0, index.Count);
            }
            catch (DmtException e)
            {
                Assert.Equal(DmtErrorKind.Corruption, e.Kind);
            }
        }
    }

    private static void AssertDamaged(byte[] section, long dataLength)
    {
        var error = Assert.Throws<DmtException>(() => TableIndex.Parse(section, dataLength, "table", 7));
        Assert.Equal(DmtErrorKind.Corruption, error.Kind);
        Assert.Contains("table", error.Message, StringComparison.Ordinal);
    }

    private static byte[] Encode(List<byte[]> separators)
    {
        var section = new List<byte>();
        Number(separators.Count);
        foreach (var separator in separators)
        {
            Number(separator.Length);
            section.AddRange(separator);
            Number(BlockLength);
        }

        return [.. section];

        void Number(int value)
        {
            Span<byte> buffer = stackalloc byte[Varint.BytesMax64];
            section.AddRange(buffer[..Varint.Write(buffer, (ulong)value)]);
        }
    }
}
