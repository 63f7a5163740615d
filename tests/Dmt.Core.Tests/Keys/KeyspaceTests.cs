using Dmt.Core.Keys;

namespace Dmt.Core.Tests.Keys;

public sealed class KeyspaceTests
{
    [Theory]
    [InlineData("", "", "/", 3, "name")]
    [InlineData("a b", "", "/", 3, "name")]
    [InlineData("k", "", "", 3, "separator of 0 bytes")]
    [InlineData("k", "", "12345678901234567", 3, "separator of 17 bytes")]
    [InlineData("k", "", "/", 1, "1 segments")]
    [InlineData("k", "", "/", 7, "7 segments")]
    public void What_is_out_of_its_range_is_refused(
        string name, string prefix, string separator, int count, string wrong)
    {
        var e = Assert.Throws<DmtException>(() => Keyspace.Separated(name, prefix, separator, count));
        Assert.Equal(DmtErrorKind.InvalidArgument, e.Kind);
        Assert.Contains(wrong, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Widths_are_checked_as_well()
    {
        Assert.Throws<DmtException>(() => Keyspace.FixedWidths("k", [], 3));
        Assert.Throws<DmtException>(() => Keyspace.FixedWidths("k", [], 3, 0));
        Assert.Throws<DmtException>(() => Keyspace.FixedWidths("k", [], 1000, 25));
        Assert.Throws<DmtException>(() => Keyspace.FixedWidths("k", new byte[513], 1, 1));
        Assert.Equal(2, Keyspace.FixedWidths("k", new byte[512], 1, 1).Segments);
    }

    [Fact]
    public void No_key_is_in_two_keyspaces()
    {
        var shop = Keyspace.Separated("shop", "shop/", "/", 3);
        Keyspace.CheckTogether([shop, Keyspace.Separated("other", "shops/", "/", 3)]);
        foreach (var other in (Keyspace[])[
            Keyspace.Separated("in", "shop/a", "/", 3), Keyspace.Separated("all", "", "/", 3),
            Keyspace.Separated("shop", "x", "/", 3)])
        {
            Assert.Throws<DmtException>(() => Keyspace.CheckTogether([shop, other]));
            Assert.Throws<DmtException>(() => Keyspace.CheckTogether([other, shop]));
        }
    }

    [Fact]
    public void Two_that_say_the_same_are_equal()
    {
        Assert.Equal(Keyspace.Separated("k", "p", "/", 3), Keyspace.Separated("k", "p", "/", 3));
        Assert.NotEqual(Keyspace.Separated("k", "p", "/", 3), Keyspace.Separated("k", "p", "/", 4));
        Assert.NotEqual(Keyspace.Separated("k", "p", "/", 3), Keyspace.Separated("k", "p", ":", 3));
        Assert.NotEqual(Keyspace.Separated("k", "p", "/", 3), Keyspace.FixedWidths("k", "p"u8, 1, 1, 1));
    }

    [Fact]
    public void Reserved_keys_are_the_last_of_all()
    {
        byte[] below = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
        Assert.False(ReservedKeys.Contains(below));
        Assert.False(ReservedKeys.Contains([.. below, 0xFE, 0xFF, 0xFF]));
        Assert.True(ReservedKeys.Contains([.. below, 0xFF]));
        Assert.Null(ReservedKeys.Range.End);
        var range = new KeyRange("a"u8.ToArray(), "b"u8.ToArray());
        Assert.Equal(range, ReservedKeys.Clip(range));
        Assert.Equal((byte[])[.. below, 0xFF], ReservedKeys.Clip(KeyRange.All).End!.Value.ToArray());
        Assert.True(ReservedKeys.Clip(new KeyRange((byte[])[.. below, 0xFF, 1], null)).IsEmpty);
    }
}
