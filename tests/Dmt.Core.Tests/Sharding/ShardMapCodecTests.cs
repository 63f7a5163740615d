using System.Text;
using Dmt.Core.Sharding;
using FsCheck.Fluent;

namespace Dmt.Core.Tests.Sharding;

public sealed class ShardMapCodecTests
{
    /// <summary>Prefixes that share, nest and hold the least and the greatest byte; a gap in the numbers.</summary>
    private static readonly ShardMap Sample = ShardMap
        .PreSplit(Bytes("ab"), Bytes("a"), Bytes("abc"), new byte[] { 0xFF, 0x00 }, Bytes("b"))
        .Merge(6).Add(300, Bytes("ad"));

    [Fact]
    public void The_bytes_of_a_map_are_pinned() => Assert.Equal(
        "444D545348415244" + "01000000" // magic, format version
        + "03" + "AD02" + "06" // version 3, next shard 301, 6 shards
        + "000001" // root
        + "000161" + "03" // a
        + "010162" + "02" // ab
        + "020163" + "04" // abc
        + "010164" + "AC02" // ad
        + "0002FF00" + "05",
        Convert.ToHexString(ShardMapCodec.Encode(Sample)));

    [Fact]
    public void The_first_map_is_pinned() => Assert.Equal(
        "444D545348415244" + "01000000" + "010201" + "000001",
        Convert.ToHexString(ShardMapCodec.Encode(ShardMap.Initial)));

    [Fact]
    public void A_map_comes_back_as_it_was() => Property.Holds(
        from prefixes in Property.Bytes(1, 12).ListOf()
        from long1 in Property.Bytes(1000, 1024)
        select prefixes.Append(long1).Append([.. long1[..999], 7]).DistinctBy(Convert.ToHexString).ToArray(),
        prefixes =>
        {
            var map = ShardMap.PreSplit([.. prefixes.Select(p => (ReadOnlyMemory<byte>)p)]);
            var back = ShardMapCodec.Decode(ShardMapCodec.Encode(map), "map");
            return back.Entries.SequenceEqual(map.Entries)
                && (back.Version, back.NextShard) == (map.Version, map.NextShard);
        },
        200);

    [Fact]
    public void Every_truncation_is_corruption()
    {
        var bytes = ShardMapCodec.Encode(Sample);
        for (var length = 0; length < bytes.Length; length++)
        {
            var error = Assert.Throws<DmtException>(() => ShardMapCodec.Decode(bytes.AsSpan(0, length), "map/7"));
            Assert.Equal(DmtErrorKind.Corruption, error.Kind);
            Assert.StartsWith("map/7 is damaged at offset ", error.Message, StringComparison.Ordinal);
        }

        Damaged([.. bytes, 0], "1 bytes follow the last shard");
    }

    [Fact]
    public void Every_flipped_bit_is_an_error_or_another_valid_map()
    {
        var bytes = ShardMapCodec.Encode(Sample);
        var (refused, accepted) = (0, 0);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var flipped = bytes.ToArray();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            _ = Decodes(flipped) ? accepted++ : refused++;
        }

        // What is accepted has another number or another letter: that is what the checksum around it is for.
        Assert.True(refused > bytes.Length * 4 && accepted > 0, $"{refused} refused, {accepted} accepted");
    }

    [Fact]
    public void Any_damage_is_an_error_or_another_valid_map() => Property.Holds(
        from count in Gen.Choose(1, 6)
        from changes in (
            from at in Gen.Choose(8, 60)
            from value in Gen.OneOf(Gen.Choose(0, 255), Gen.Choose(0, 3), Gen.Choose(0xFE, 0xFF))
            from what in Gen.Choose(0, 2)
            select (at, value, what)).ArrayOf(count)
        select changes,
        changes =>
        {
            var bytes = ShardMapCodec.Encode(Sample).ToList();
            foreach (var (at, value, what) in changes.Where(c => c.at < bytes.Count))
            {
                switch (what)
                {
                    case 0:
                        bytes[at] = (byte)value;
                        break;
                    case 1:
                        bytes.Insert(at, (byte)value);
                        break;
                    default:
                        bytes.RemoveAt(at);
                        break;
                }
            }

            Decodes([.. bytes]);
            return true;
        },
        5000);

    [Theory]
    [InlineData("030301" + "000001", null)]
    [InlineData("000201" + "000001", "the version is 0")]
    [InlineData("010101" + "000001", "the next shard is 1")]
    [InlineData("010200", "the number of shards is 0")]
    [InlineData("010202" + "000001" + "00016101", "the number of shards is 2")]
    [InlineData("0103FF01" + "000001", "the number of shards is 255")]
    [InlineData("010301" + "000002", "the shard is 2")]
    [InlineData("010301" + "00016101", "the length of the root's prefix is 1")]
    [InlineData("010401" + "01000001", "the shared length of the root's prefix is 1")]
    [InlineData("010402" + "000001" + "00016101", "shard 1 is there twice")]
    [InlineData("010503" + "000001" + "00016102" + "00016202", "shard 2 is there twice")]
    [InlineData("010402" + "000001" + "00016104", "the shard is 4")]
    [InlineData("010402" + "000001" + "00016100", "the shard is 0")]
    [InlineData("010503" + "000001" + "00016202" + "00016103", "not above the one before it")]
    [InlineData("010503" + "000001" + "00016102" + "00016103", "not above the one before it")]
    [InlineData("010503" + "000001" + "00016102" + "01000300", "the length of a prefix's rest is 0")]
    [InlineData("010503" + "000001" + "00016102" + "02016203", "the shared length of a prefix is 2")]
    [InlineData("010503" + "000001" + "0002616202" + "0002616303", "not above the one before it")]
    [InlineData("010402" + "000001" + "00056102", "it ends within a prefix of 5 bytes")]
    [InlineData("010402" + "000001" + "00810861", "the length of a prefix's rest is 1025")]
    [InlineData("81000201" + "000001", "the version is 1 in 2 bytes")]
    [InlineData("01FFFFFFFF1F01" + "000001", "the next shard is 8589934591")]
    [InlineData("808084FEA6DEE111" + "0201" + "000001", "the version is ")]
    public void What_is_no_map_is_named(string hex, string? message)
    {
        var bytes = Convert.FromHexString("444D545348415244" + "01000000" + hex);
        if (message is null)
        {
            Assert.Equal(3, ShardMapCodec.Decode(bytes, "map").Version);
        }
        else
        {
            Damaged(bytes, message);
        }
    }

    [Fact]
    public void A_newer_format_is_not_taken_for_damage()
    {
        var bytes = ShardMapCodec.Encode(Sample);
        bytes[8] = 2;
        var error = Assert.Throws<DmtException>(() => ShardMapCodec.Decode(bytes, "map/7"));

        Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
        Assert.Contains(
            "map/7 was written by a newer DMT (shard map format 2", error.Message, StringComparison.Ordinal);
        bytes[8] = 0;
        Damaged(bytes, "there is no format version 0");
    }

    /// <summary>True when the bytes are a map: exactly the one that they are written as.</summary>
    private static bool Decodes(byte[] bytes)
    {
        ShardMap map;
        try
        {
            map = ShardMapCodec.Decode(bytes, "map");
        }
        catch (DmtException e) when (e.Kind is DmtErrorKind.Corruption or DmtErrorKind.Unavailable)
        {
            return false;
        }

        Assert.Equal(bytes, ShardMapCodec.Encode(map));
        Assert.Equal((ShardMap.Root, 0), (map.Entries[0].Shard, map.Entries[0].Prefix.Length));
        Assert.InRange(map.Version, 1, ShardMap.VersionMax);
        Assert.Equal(map.Count, map.Entries.Select(e => e.Shard).Distinct().Count());
        Assert.All(map.Entries, e => Assert.InRange(e.Shard, ShardMap.Root, map.NextShard - 1));
        Assert.All(map.Entries.Zip(map.Entries.Skip(1)), pair =>
            Assert.True(pair.First.Prefix.Span.SequenceCompareTo(pair.Second.Prefix.Span) < 0));
        Assert.All(map.Entries.Skip(1), e => Assert.InRange(e.Prefix.Length, 1, 1024));
        return true;
    }

    private static void Damaged(byte[] bytes, string message)
    {
        var error = Assert.Throws<DmtException>(() => ShardMapCodec.Decode(bytes, "map"));
        Assert.Equal(DmtErrorKind.Corruption, error.Kind);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
