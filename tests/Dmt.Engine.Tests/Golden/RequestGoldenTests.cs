using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Manifests;
using Dmt.Engine.Requests;

namespace Dmt.Engine.Tests.Golden;

/// <summary>Pins the section of requests in manifests.</summary>
public sealed class RequestGoldenTests
{
    private const string Golden =
        "444D544D414E494602000000660000000103021A30314A544553543030303030"
        + "303030303030303030303030303100BC05000007000000000000000339010201"
        + "6201016301780002080706050403020101FBF0CC86A63700FFFFFFFFFFFFFFFF"
        + "AC02FCF0CC86A63703008A050002800501AC02BC0500545A55C5";

    private static readonly RequestScope Scope = new(
    [
        new KeyRange("b"u8.ToArray(), (ReadOnlyMemory<byte>?)"c"u8.ToArray()),
        new KeyRange("x"u8.ToArray(), null),
    ]);

    private static readonly Manifest Knowing = new()
    {
        Shard = 1,
        Number = 3,
        Epoch = 2,
        Incarnation = "01JTEST0000000000000000001",
        FlushedSequence = 700,
        Requests =
        [
            new RequestClient(0x0102_0304_0506_0708, 1, 1_900_000_000_123, []),
            new RequestClient(
                ulong.MaxValue,
                300,
                1_900_000_000_124,
                [
                    new CompletedRequest(300, 650, null),
                    new CompletedRequest(302, 640, Scope),
                    new CompletedRequest(602, 700, null),
                ]),
        ],
    };

    [Fact]
    public void A_manifest_with_requests_is_written_byte_for_byte_as_documented() =>
        Assert.Equal(Golden, Convert.ToHexString(ManifestCodec.Encode(Knowing)));

    [Fact]
    public void The_golden_manifest_with_requests_is_read() => Assert.Equivalent(
        Knowing, ManifestCodec.Decode(Convert.FromHexString(Golden), Knowing.ObjectName), strict: true);

    [Fact]
    public void Every_changed_byte_of_the_section_is_read_or_refused_as_damage()
    {
        var section = RequestCodec.Encode(Knowing.Requests);
        for (var at = 0; at < section.Length; at++)
        {
            foreach (var value in (byte[])[0, 1, 0x7F, 0x80, 0xFF])
            {
                var bytes = section.ToArray();
                bytes[at] = value;
                ReadOrRefuse(bytes);
            }

            Assert.Throws<DmtException>(() => RequestCodec.Decode(section.AsSpan(0, at), "m"));
        }

        Assert.Throws<DmtException>(() => RequestCodec.Decode([.. section, 0], "m"));
    }

    private static void ReadOrRefuse(byte[] bytes)
    {
        try
        {
            foreach (var client in RequestCodec.Decode(bytes, "m"))
            {
                Assert.True(client.PendingFrom > 0);
                Assert.All(client.Completed, done => Assert.True(
                    done.Number >= client.PendingFrom && done.Version > 0));
            }
        }
        catch (DmtException e)
        {
            Assert.Equal(DmtErrorKind.Corruption, e.Kind);
        }
    }
}
