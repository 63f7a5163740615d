using Dmt.Core;
using Dmt.Engine.Checkpoints;
using Dmt.Engine.Manifests;

namespace Dmt.Engine.Tests.Golden;

/// <summary>
/// Pins format 1 of checkpoints: these bytes have to stay readable, and to be written, for as long as the version is 1.
/// </summary>
public sealed class CheckpointGoldenTests
{
    private const string Golden =
        "444D54434845434B01000000550000000A6265666F72652D322E30FBF0CC86A6"
        + "370142444D544D414E4946010000002E00000001AC02071A30314A5445535430"
        + "30303030303030303030303030303030303101F0A20401610007000000000000"
        + "00DE407EB39A0474D1";

    private static Checkpoint Example => new(
        "before-2.0",
        DateTimeOffset.FromUnixTimeMilliseconds(1_900_000_000_123),
        [
            new Manifest
            {
                Shard = 1,
                Number = 300,
                Epoch = 7,
                Incarnation = "01JTEST0000000000000000001",
                ClosedCleanly = true,
                FlushedSequence = 70_000,
                Prefix = [0x61],
            },
        ]);

    [Fact]
    public void A_checkpoint_is_written_byte_for_byte_as_documented() =>
        Assert.Equal(Golden, Convert.ToHexString(CheckpointCodec.Encode(Example)));

    [Fact]
    public void The_golden_checkpoint_is_read()
    {
        var read = CheckpointCodec.Decode(Convert.FromHexString(Golden), "checkpoints/before-2.0");
        Assert.Equal(("before-2.0", Example.CreatedAt), (read.Name, read.CreatedAt));
        var manifest = Assert.Single(read.Manifests);
        Assert.Equal(
            (1u, 300L, 7ul, 70_000ul), (manifest.Shard, manifest.Number, manifest.Epoch, manifest.FlushedSequence));
    }

    [Fact]
    public void Every_flipped_bit_and_every_cut_is_found()
    {
        var whole = Convert.FromHexString(Golden);
        for (var bit = 0; bit < whole.Length * 8; bit++)
        {
            var bad = (byte[])whole.Clone();
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertDamaged(bad);
        }

        for (var length = 0; length < whole.Length; length++)
        {
            AssertDamaged(whole[..length]);
        }
    }

    private static void AssertDamaged(byte[] bytes)
    {
        var error = Assert.Throws<DmtException>(() => CheckpointCodec.Decode(bytes, "checkpoints/before-2.0"));
        Assert.Equal(DmtErrorKind.Corruption, error.Kind);
    }
}
