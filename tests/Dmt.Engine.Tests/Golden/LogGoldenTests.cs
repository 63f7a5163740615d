using Dmt.Core;
using Dmt.Engine.Tests.Log;
using LogFixtureRecord = Dmt.Engine.Tests.Log.Record;

namespace Dmt.Engine.Tests.Golden;

/// <summary>
/// Pins format 1 of the log: these bytes have to stay readable, and to be written, for as long as the version is 1.
/// </summary>
public sealed class LogGoldenTests : IDisposable
{
    private const string Golden = """
        444D542D4C4F470A010000001A00000030314A54455354303030303030303030
        3030303030303030303100000000000001000000000000000000000000000000
        0000000012C35B5B3A8E1DA81A00000000000000000000000000000000000000
        0100000000000000110000000102AC02020103056B657976616C75650204676F
        6E65000000000000476B8E2D0E0000001A000000000000001A00000000000000
        01000000000000000100000080D0ACF30E01AE0201AA0000B74C45F300000000
        280000000000000028000000000000000200000000000000
        """;

    private readonly LogFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public async Task The_log_is_written_byte_for_byte_as_documented()
    {
        var log = _fixture.Create();
        var batch = new WriteBatch().Put("key"u8, "value"u8).Delete("gone"u8);
        log.Append(1, 2, 300, batch.Count, batch.Encoded, Durability.Strict);
        await log.WaitDurableAsync(log.End);
        log.Append(4_000_000_000, 1, 302, 1, [0xAA], Durability.Default);
        await log.DisposeAsync();
        var written = Convert.ToHexString(await File.ReadAllBytesAsync(_fixture.Segment(1)));
        Assert.Equal(Compact(Golden), written);
    }

    [Fact]
    public void The_golden_log_is_read()
    {
        Directory.CreateDirectory(_fixture.Folder);
        File.WriteAllBytes(_fixture.Segment(1), Convert.FromHexString(Compact(Golden)));
        var (records, result) = _fixture.Replay();
        var batch = new WriteBatch().Put("key"u8, "value"u8).Delete("gone"u8);
        Assert.Equal(
            [
                new LogFixtureRecord(1, 2, 300, 2, batch.Encoded.ToArray(), records[0].Position),
                new LogFixtureRecord(4_000_000_000, 1, 302, 1, [0xAA], result.End),
            ],
            records);
        Assert.True(result.CleanlyClosed);
    }

    private static string Compact(string text) => string.Concat(text.Where(c => !char.IsWhiteSpace(c)));
}
