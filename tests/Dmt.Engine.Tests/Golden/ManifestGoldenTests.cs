using Dmt.Core;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Tests.Golden;

/// <summary>
/// Pins format 1 of manifests: these bytes have to stay readable, and to be written, for as long as the version is 1.
/// </summary>
public sealed class ManifestGoldenTests
{
    private const string Golden = """
        444D544D414E4946010000000D010000AC0207041A30314A544553543030303030303030303030303030303030303100
        C0843D0675736572732F021A30314A5445535430303030303030303030303030303030303030001A30314A5445535430
        30303030303030303030303030303030303180200702AC020409C9843DA0F7360775736572732F610775736572732F6D
        008407E707620900AC020408C8843DA0F7360775736572732F620001A00683076208010000000001AC020403C3843DA0
        F7360775736572732F610775736572732F6B00AC028F0362030002AC020401C1843DA0F7360675736572732F07757365
        72732F6A0064C701620100AC020402C2843DA0F7360775736572732F6B0775736572732F7A00C801AB026202004A7C96
        52
        """;

    internal static readonly Manifest Fixed = new()
    {
        Shard = 300,
        Number = 7,
        Epoch = 4,
        Incarnation = "01JTEST0000000000000000001",
        ClosedCleanly = false,
        FlushedSequence = 1_000_000,
        Prefix = "users/"u8.ToArray(),
        LogRanges = [new LogRange("01JTEST0000000000000000000", 0), new LogRange("01JTEST0000000000000000001", 4096)],
        Levels =
        [
            [Table(9, "users/a", "users/m", unbounded: false), Table(8, "users/b", "", unbounded: true)],
            [],
            [],
            [],
            [],
            [Table(3, "users/a", "users/k", unbounded: false)],
            [Table(1, "users/", "users/j", unbounded: false), Table(2, "users/k", "users/z", unbounded: false)],
        ],
    };

    [Fact]
    public void A_manifest_is_written_byte_for_byte_as_documented() =>
        Assert.Equal(Compact(Golden), Convert.ToHexString(ManifestCodec.Encode(Fixed)));

    [Fact]
    public void The_golden_manifest_is_read()
    {
        var read = ManifestCodec.Decode(Convert.FromHexString(Compact(Golden)), Fixed.ObjectName);
        Assert.Equivalent(Fixed, read, strict: true);
        Assert.Equal("shards/300/manifest/0000000000000007", read.ObjectName);
        Assert.Equal("shards/300/tables/0000000004-0000000009.table", read.Levels[0][0].Id.ObjectName);
    }

    [Fact]
    public void Every_flipped_bit_of_a_manifest_is_noticed()
    {
        var good = ManifestCodec.Encode(Fixed);
        for (var bit = 0; bit < good.Length * 8; bit++)
        {
            var bytes = good.ToArray();
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            var error = Assert.Throws<DmtException>(() => ManifestCodec.Decode(bytes, "m"));
            Assert.Equal(DmtErrorKind.Corruption, error.Kind);
        }
    }

    [Fact]
    public async Task Only_one_writer_gets_a_number_and_a_lost_reply_is_recognised()
    {
        await using var objects = new MemoryObjectStore(TimeProvider.System);
        var store = new ManifestStore(objects, Fixed.Shard);
        Assert.Null(await store.LoadLatestAsync(default));
        Assert.Equal(7, (await store.WriteAsync(Fixed, default)).Number);
        Assert.Equal(8, (await store.WriteAsync(Fixed, default)).Number);
        var error = await Assert.ThrowsAsync<DmtException>(
            async () => await store.WriteAsync(Fixed with { Incarnation = "01JTEST0000000000000000002" }, default));
        Assert.Equal(DmtErrorKind.Fenced, error.Kind);
        Assert.Equivalent(Fixed with { Number = 8 }, await store.LoadLatestAsync(default), strict: true);
    }

    private static TableInfo Table(ulong number, string smallest, string largest, bool unbounded) => new()
    {
        Id = new TableId(300, 4, number),
        Length = 1_000_000 + (long)number,
        TailOffset = 900_000,
        Smallest = System.Text.Encoding.UTF8.GetBytes(smallest),
        Largest = System.Text.Encoding.UTF8.GetBytes(largest),
        LargestUnbounded = unbounded,
        SequenceMin = 100 * number,
        SequenceMax = (100 * number) + 99,
        Entries = 98,
        Tombstones = (long)number,
        RangeTombstones = unbounded ? 1 : 0,
    };

    private static string Compact(string text) => string.Concat(text.Where(static c => !char.IsWhiteSpace(c)));
}
