using Dmt.Core;
using Dmt.Engine.Checkpoints;
using Dmt.Engine.Manifests;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Tests.Golden;

/// <summary>
/// Pins format 2 of manifests and checkpoints, in which clones are: these bytes have to stay readable, and to be
/// written for what borrows tables or keeps them for a clone.
/// </summary>
public sealed class CloneGoldenTests
{
    private const string GoldenManifest =
        "444D544D414E494602000000C400000001AC02071A30314A5445535430303030"
        + "30303030303030303030303030303101F0A20400000702010403E80784070103"
        + "020300000303010000010402E807840701020202000002020100000000000000"
        + "01010401E80784070101020100000101010000015F020B73746F7265732F6C69"
        + "76652573746F7265732F6C6976652F636865636B706F696E74732F636C6F6E65"
        + "2D30314A54455354002573746F7265732F6C6976652F636865636B706F696E74"
        + "732F636C6F6E652D30314A544553540201000201CC93688B";

    private const string GoldenPin =
        "444D54434845434B02000000630000000D636C6F6E652D30314A54455354FBF0"
        + "CC86A6370141444D544D414E4946010000002D00000001AC02071A30314A5445"
        + "53543030303030303030303030303030303030303101F0A20400000700000000"
        + "000000A6CA05960B73746F7265732F74657374E08ECD46";

    private static readonly Origin Live = new("stores/live", "stores/live/checkpoints/clone-01JTEST");
    private static readonly Origin Old = new("", "stores/live/checkpoints/clone-01JTEST");

    private static readonly Manifest Borrowing = new()
    {
        Shard = 1,
        Number = 300,
        Epoch = 7,
        Incarnation = "01JTEST0000000000000000001",
        ClosedCleanly = true,
        FlushedSequence = 70_000,
        Origins = [Live, Old],
        Levels =
        [
            [Table(3, null), Table(2, Live)], [], [], [], [], [], [Table(1, Old)],
        ],
    };

    private static readonly Checkpoint Pin = new(
        "clone-01JTEST",
        DateTimeOffset.FromUnixTimeMilliseconds(1_900_000_000_123),
        [Borrowing with { Origins = [], Levels = Manifest.EmptyLevels }],
        "stores/test");

    [Fact]
    public void A_manifest_that_borrows_is_written_byte_for_byte_as_documented() =>
        Assert.Equal(GoldenManifest, Convert.ToHexString(ManifestCodec.Encode(Borrowing)));

    [Fact]
    public void The_golden_manifest_that_borrows_is_read()
    {
        var read = ManifestCodec.Decode(Convert.FromHexString(GoldenManifest), Borrowing.ObjectName);
        Assert.Equivalent(Borrowing, read, strict: true);
        Assert.Equal("/stores/live/shards/1/tables/0000000004-0000000002.table", read.Levels[0][1].Name);
        Assert.Equal("/stores/live/checkpoints/clone-01JTEST", read.Levels[6][0].HeldBy);
    }

    [Fact]
    public void A_pin_is_written_byte_for_byte_as_documented() =>
        Assert.Equal(GoldenPin, Convert.ToHexString(CheckpointCodec.Encode(Pin)));

    [Fact]
    public void The_golden_pin_is_read()
    {
        var read = CheckpointCodec.Decode(Convert.FromHexString(GoldenPin), "checkpoints/clone-01JTEST");
        Assert.Equal((Pin.Name, Pin.CreatedAt, "stores/test"), (read.Name, read.CreatedAt, read.ClonedTo));
        Assert.Equivalent(Pin.Manifests, read.Manifests, strict: true);
    }

    [Fact]
    public void Every_flipped_bit_of_a_manifest_that_borrows_is_noticed()
    {
        var good = Convert.FromHexString(GoldenManifest);
        for (var bit = 0; bit < good.Length * 8; bit++)
        {
            var bytes = good.ToArray();
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(
                DmtErrorKind.Corruption,
                Assert.Throws<DmtException>(() => ManifestCodec.Decode(bytes, "m")).Kind);
        }
    }

    private static TableInfo Table(ulong number, Origin? origin) => new()
    {
        Id = new TableId(1, 4, number),
        Origin = origin,
        Length = 1_000,
        TailOffset = 900,
        Smallest = [(byte)number],
        Largest = [(byte)number, 0],
        SequenceMin = number,
        SequenceMax = number,
        Entries = 1,
        Tombstones = 0,
        RangeTombstones = 0,
    };
}
