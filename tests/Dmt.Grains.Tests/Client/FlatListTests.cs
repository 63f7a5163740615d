using System.Text;
using Dmt.Contracts.Messages;
using Dmt.Core;

namespace Dmt.Grains.Tests.Client;

/// <summary>What crosses the network in one piece is what was put in, and what is cut short is refused.</summary>
public sealed class FlatListTests
{
    private static readonly byte[][] Samples = [[], [0], Encoding.UTF8.GetBytes("key"), new byte[300]];

    [Fact]
    public void Keys_come_out_as_they_went_in()
    {
        var keys = Samples.Select(static sample => (ReadOnlyMemory<byte>)sample).ToArray();
        var list = KeyList.Of(keys);
        Assert.Equal(keys.Select(ToText), list.ToArray().Select(ToText));
        RefusesWhatIsCutShort(list.Encoded, cut => (list with { Encoded = cut }).ToArray());
        Refuses(() => (list with { Count = -1 }).ToArray());
        Refuses(() => (list with { Count = int.MaxValue }).ToArray());
    }

    [Fact]
    public void Entries_come_out_as_they_went_in_with_bytes_of_their_own()
    {
        Entry?[] entries =
        [
            null,
            new Entry(default, 1),
            new Entry(Samples[3], ulong.MaxValue, Samples[2], DateTimeOffset.FromUnixTimeMilliseconds(1)),
            new Entry(Samples[2], 128, ExpiresAt: DateTimeOffset.FromUnixTimeMilliseconds(253_402_300_799_999)),
            null,
        ];
        var builder = new EntryList.Builder(0);
        Array.ForEach(entries, builder.Add);
        var list = builder.Build();
        Assert.Equal(list.Encoded.Length, builder.Bytes);
        var read = list.ToArray();
        Assert.Equal(entries.Select(ToText), read.Select(ToText));
        Assert.False(list.Encoded.Span.Overlaps(read[2]!.Value.Value.Span));
        Assert.False(list.Encoded.Span.Overlaps(read[2]!.Value.Metadata.Span));
        RefusesWhatIsCutShort(list.Encoded, cut => (list with { Encoded = cut }).ToArray());
    }

    [Fact]
    public void Writes_come_out_as_they_went_in()
    {
        ShardWrite[] writes =
        [
            new() { Kind = ShardWriteKind.Delete, Key = Samples[2] },
            new()
            {
                Kind = ShardWriteKind.Put,
                Key = Samples[1],
                Value = Samples[3],
                Metadata = Samples[2],
                TimeToLive = TimeSpan.FromTicks(7),
                Condition = WriteCondition.VersionIs(ulong.MaxValue),
                Durability = Durability.EveryInterval(TimeSpan.FromMilliseconds(5)),
                Request = new RequestId(ulong.MaxValue, 300, 2),
            },
            new() { Kind = ShardWriteKind.Put, Condition = WriteCondition.Absent, Durability = Durability.Strict },
            new() { Kind = ShardWriteKind.Batch, Value = Samples[2], TimeToLive = TimeSpan.FromTicks(-1) },
        ];
        var list = ShardWriteList.Of(writes);
        Assert.Equal(writes.Select(ToText), list.ToArray().Select(ToText));
        RefusesWhatIsCutShort(list.Encoded, cut => (list with { Encoded = cut }).ToArray());
    }

    [Fact]
    public void Outcomes_come_out_as_they_went_in()
    {
        WriteOutcome[] outcomes =
        [
            new() { Version = 1 },
            .. Enum.GetValues<DmtErrorKind>().Select(static kind => WriteOutcome.Of(
                new DmtException(kind, $"because of ü {kind}") { CurrentVersion = 300 })),
        ];
        var list = WriteOutcomeList.Of(outcomes);
        Assert.Equal(outcomes, list.ToArray());
        RefusesWhatIsCutShort(list.Encoded, cut => (list with { Encoded = cut }).ToArray());
    }

    private static void RefusesWhatIsCutShort(ReadOnlyMemory<byte> encoded, Action<ReadOnlyMemory<byte>> read)
    {
        for (var length = 0; length < encoded.Length; length++)
        {
            Refuses(() => read(encoded[..length]));
        }
    }

    private static void Refuses(Action read) =>
        Assert.Equal(DmtErrorKind.InvalidArgument, Assert.Throws<DmtException>(read).Kind);

    private static string ToText(ReadOnlyMemory<byte> bytes) => Convert.ToHexString(bytes.Span);

    private static string ToText(Entry? entry) => entry is { } there
        ? $"{ToText(there.Value)} {there.Version} {ToText(there.Metadata)} {there.ExpiresAt:O}"
        : "absent";

    private static string ToText(ShardWrite write) =>
        $"{write.Kind} {ToText(write.Key)} {ToText(write.Value)} {ToText(write.Metadata)} {write.TimeToLive} "
            + $"{write.Condition} {write.Durability} {write.Request}";
}
