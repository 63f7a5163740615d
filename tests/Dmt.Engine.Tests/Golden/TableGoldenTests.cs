using Dmt.Core.Hashing;
using Dmt.Engine.Objects;
using Dmt.Engine.Tables;
using Dmt.Engine.Tests.Tables;

namespace Dmt.Engine.Tests.Golden;

/// <summary>
/// Pins format 1 of tables: these bytes have to stay readable, and to be written, for as long as the version is 1.
/// What Brotli makes of a block may differ from release to release, so there the golden table is only read.
/// </summary>
public sealed class TableGoldenTests
{
    private const ulong SequenceBase = 100;
    private const long CreatedAtMs = 1_700_000_000_000;

    private const string Golden = """
        00050107056170706C65667275697405000101096120636F6D70616E7905050202736175636500060D030080A0F1C2B1
        340A62616E616E61746578742F706C61696E0006010A006B65793030300501010B0131760501010C023276760501010D
        03337676760501010E0434767676760501010F0535767676767605010110063676767676767605010111073776767676
        7676760501011208387676767676767676050101130939767676767676767676040201140A3130767676767676767676
        76000000000100000000E72C6342000601150B6B65793031317676767676767676767676050101160C32767676767676
        767676767676050101170D3376767676767676767676767676050101180E347676767676767676767676767676050101
        190F357676767676767676767676767676760501011A1036767676767676767676767676767676760501011B11377676
        7676767676767676767676767676760501011C12387676767676767676767676767676767676760501011D1339767676
        767676767676767676767676767676760000000001000000002A304833000505AC0204017A656272616C617374000000
        0001000000008A4D36A037B8F548DB6086AB913ADB3E74E52B1D33ABC38FF43F64AD0ABBD7CDCF5475295CFA6A6E0306
        6B6579303130CE01017ACF01057A656272611D86DC6975020163026468037A6F6F00F4030727023864F4031901F10208
        80D095FFBC312B7C33CABA01000000000000DE01000000000000F7010000000000000802000000000000000000000100
        0000444D545441424C45CB29A0B100000000
        """;

    private const string GoldenBrotli = """
        C90000000364000080AAAAAAEA5F44CD44CD4DDDCD77B8FBE1E66AEEE6DBED286EA00E60E0E6EA0AEE6A026E373F1DFD
        70F5C3D58F370791DD7AC0D68363380C03CC31C4181B8CB135FB190833E2105A7779744D2440CC7955DF6F817D4FA4D4
        93BBDA812E12787FFEBF6F65CEECD97374AFB80E2D371E341AB8BADE5A4B88432C8510476A239953245B91C21EA795B4
        70423B8CC1A9DE239F9C6507CCD1F9E0287276919FF45B2455B834A5D5DE22220200800030019E2DA63CCA0000008364
        000080AAAAAAEA9FF9A07A591653B0653BDC4D6D598E073BD95D000C727496F28AB13D848F2718008678B08528FC38A1
        599BEFFD975264C4526463D72C9CD2BA8D6C5164E777E255FA7050170CF194FB0563BAA4573155B7AA4F98F3A33A4400
        8000060128351ECA000505AC0204017A656272616C6173740000000001000000008A4D36A037B8F548DB6086AB913ADB
        3E74E52B1D33ABC38FF43F64AD0ABBD7CDCF5475295CFA6A6E03066B6579303130BA01017A6E057A656272611D31A098
        FE020163026468037A6F6F00F4030727023864F4031901F1020880D095FFBC312B7C33CA450100000000000069010000
        00000000810100000000000092010000000000000000000001000000444D545441424C45706AB56B00000000
        """;

    private static readonly TableId Id = new(1, 2, 3);

    private static readonly TestEntry[] Entries =
    [
        new("apple", 107, "fruit"),
        new("apple", 101, "a company"),
        new("applesauce", 102, null),
        new("banana", 103, "", "text/plain", 1_800_000_000_000),
        .. Enumerable.Range(0, 20).Select(static i => new TestEntry($"key{i:D3}", 110 + (ulong)i, new string('v', i))),
        new("zebra", 400, "last", ExpiresAtMs: 1),
    ];

    private static readonly RangeTombstone[] Tombstones =
    [
        new("c"u8.ToArray(), "d"u8.ToArray(), 104),
        new("zoo"u8.ToArray(), null, 500),
    ];

    [Fact]
    public async Task A_table_is_written_byte_for_byte_as_documented()
    {
        await using var objects = new MemoryObjectStore(TimeProvider.System);
        var info = await WriteAsync(objects, Compression.None);
        var written = await objects.GetAsync(Id.ObjectName);
        Assert.Equal(Compact(Golden), Convert.ToHexString(written!));
        Assert.Equal(InfoOf(written!), info with { Smallest = [], Largest = [] });
    }

    [Theory]
    [InlineData(Golden)]
    [InlineData(GoldenBrotli)]
    public async Task The_golden_table_is_read(string golden)
    {
        await using var objects = new MemoryObjectStore(TimeProvider.System);
        var bytes = Convert.FromHexString(Compact(golden));
        await objects.PutAsync(Id.ObjectName, bytes);
        var table = await TableFixture.OpenAsync(objects, InfoOf(bytes));
        Assert.Equal(Entries, await TableFixture.ReadAsync(table));
        Assert.Equal(
            Tombstones.Select(TableFixture.Text), table.RangeTombstones.Tombstones().Select(TableFixture.Text));
        var raw = Entries.Sum(static e => e.Key.Length + (e.Value ?? "").Length + e.Metadata.Length);
        Assert.Equal(
            new TableProperties(SequenceBase, 500, Entries.Length, 1, raw, 8, CreatedAtMs), table.Properties);
        Assert.True(table.MayContainPrefix("applesau"u8));
        Assert.False(table.MayContainPrefix("absent-prefix"u8));
        foreach (var entry in Entries)
        {
            Assert.True(table.MayContain(XxHash64.Compute(entry.Data.Key)), entry.Key);
        }
    }

    /// <summary>What a manifest would say of the golden table; its bounds matter to nobody here.</summary>
    private static TableInfo InfoOf(byte[] bytes) => new()
    {
        Id = Id,
        Length = bytes.Length,
        TailOffset = BitConverter.ToInt64(bytes, bytes.Length - TableFormat.FooterBytes),
        Smallest = [],
        Largest = [],
        LargestUnbounded = true,
        SequenceMin = 101,
        SequenceMax = 500,
        Entries = Entries.Length,
        Tombstones = 1,
        RangeTombstones = Tombstones.Length,
    };

    private static async Task<TableInfo> WriteAsync(MemoryObjectStore objects, Compression compression)
    {
        var options = new EngineOptions { BlockBytes = 200, Compression = compression };
        await using var builder = new TableBuilder(objects, Id, options, SequenceBase, CreatedAtMs);
        foreach (var entry in Entries)
        {
            builder.Add(entry.Data);
        }

        foreach (var tombstone in Tombstones)
        {
            builder.Add(tombstone);
        }

        return await builder.CompleteAsync(default);
    }

    private static string Compact(string text) => string.Concat(text.Where(static c => !char.IsWhiteSpace(c)));
}
