using Dmt.Core;
using Dmt.Engine.Replication;

namespace Dmt.Engine.Tests.Golden;

/// <summary>The bytes of docs/formats/replication.md.</summary>
public sealed class ReplicationGoldenTests
{
    private static readonly ReplicationRequest Request = new()
    {
        Kind = MessageKind.Table,
        Shard = 1,
        Epoch = 300,
        Incarnation = "01A",
        Url = "http://m",
        LastSequence = 5,
        ManifestNumber = 6,
        CatchesUp = true,
        Name = "t",
        Offset = 7,
        Length = 8,
        Body = new byte[] { 0xAA, 0xBB },
    };

    private static readonly ReplicationReply Reply = new()
    {
        Status = ReplyStatus.TablesMissing,
        Epoch = 1,
        Incarnation = "x",
        LastSequence = 2,
        ManifestNumber = 3,
        Offset = 4,
        Text = "y",
        IsMain = true,
        Missing = ["a", "b"],
    };

    [Fact]
    public void A_request_has_the_documented_bytes() => Assert.Equal(
        "444D545202000200190000009D7B0D7801AC020330314108687474703A2F2F6D05060101740708AA"
            + "BB", Convert.ToHexString(ReplicationMessage.Encode(Request)));

    [Fact]
    public void A_reply_has_the_documented_bytes() => Assert.Equal(
        "444D5452020080000F0000005A122F56020101780203040179010201610162",
            Convert.ToHexString(ReplicationMessage.Encode(Reply)));

    [Fact]
    public void Messages_come_back_as_they_went()
    {
        var request = ReplicationMessage.DecodeRequest(ReplicationMessage.Encode(Request));
        Assert.Equal(Request with { Body = default }, request with { Body = default });
        Assert.Equal(Request.Body.ToArray(), request.Body.ToArray());
        var reply = ReplicationMessage.DecodeReply(ReplicationMessage.Encode(Reply));
        Assert.Equal(Reply with { Missing = [] }, reply with { Missing = [] });
        Assert.Equal(Reply.Missing, reply.Missing);
    }

    [Fact]
    public void A_message_with_any_bit_flipped_or_any_byte_cut_is_refused()
    {
        var message = ReplicationMessage.Encode(Request);
        for (var bit = 0; bit < message.Length * 8; bit++)
        {
            var damaged = (byte[])message.Clone();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<DmtException>(() => ReplicationMessage.DecodeRequest(damaged));
        }

        for (var length = 0; length < message.Length; length++)
        {
            Assert.Throws<DmtException>(() => ReplicationMessage.DecodeRequest(message.AsMemory(0, length)));
        }
    }
}
