using System.Text;
using Dmt.Api;
using Dmt.Cli.Transfer;
using Dmt.Core;
using FsCheck;
using FsCheck.Fluent;

namespace Dmt.Cli.Tests;

public class NdjsonTests
{
    [Fact]
    public void Any_entry_survives_being_written_and_read()
    {
        var bytes = Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf();
        var texts =
            ArbMap.Default.GeneratorFor<UnicodeString>().Select(s => Encoding.UTF8.GetBytes(s.Get ?? string.Empty));
        var contents = Gen.OneOf(bytes, texts);
        var cases =
            from key in contents.Where(k => k.Length is >= 1 and <= 1024)
            from value in contents
            from weight in Gen.OneOf(
                Gen.Choose(0, int.MaxValue).Select(n => (double)n), Gen.Choose(1, 1000).Select(n => n / 7.0))
            from type in Gen.Elements(null, "text/plain", "image/png", "application/json")
            from expiry in Gen.Elements<DateTimeOffset?>(
                null, DateTimeOffset.FromUnixTimeMilliseconds(1_900_000_000_123))
            select new KeyEntry(key, new Entry(value, 9, new EntryMetadata(type, weight).Encode(), expiry));
        Prop.ForAll(cases.ToArbitrary(), AssertSurvives).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("[1]", "the line is no JSON object")]
    [InlineData("{\"key\":\"a\"}", "the line has no value (and no \"delete\": true)")]
    [InlineData("{\"value\":\"a\"}", "the line has no key")]
    [InlineData("{\"delete\":true}", "the line has no key")]
    [InlineData("{\"key\":1,\"value\":\"\"}", "key is no string")]
    [InlineData("{\"key_base64\":\"?\",\"value\":\"\"}", "key_base64 is not valid base64")]
    [InlineData("{\"key\":\"a\",\"value\":\"\",\"weight\":\"1\"}", "weight is no number")]
    [InlineData("{\"key\":\"a\",\"value\":\"\",\"delete\":1}", "delete is neither true nor false")]
    [InlineData("{\"key\":\"a\",\"value\":\"\",\"ttl\":0}",
        "ttl is \"0\": expected 1ms to 100 years, as 500ms, 60s, 10m, 24h or 7d")]
    [InlineData("{\"key\":\"\",\"value\":\"\"}", "the key is empty: a key has 1 to 1024 bytes")]
    [InlineData(
        "{\"ky\":\"a\"}",
        "unknown name ky: expected key or key_base64, value or value_base64, content_type, weight, ttl or "
            + "expires_at, delete, version")]
    public void A_bad_line_says_why_and_adds_nothing(string line, string expected)
    {
        var chunk = new ImportChunk();
        var e = Assert.Throws<DmtException>(
            () => new NdjsonParser(TimeProvider.System).Parse(Encoding.UTF8.GetBytes(line), chunk));
        Assert.Equal(expected, e.Message);
        Assert.Equal(0, chunk.Batch.Count);
    }

    [Theory]
    [InlineData("{\"key\":\"a\",\"value\":\"b\"} x")]
    [InlineData("{\"key\":\"a\",\"value\":\"b\"")]
    [InlineData("{\"key\":\"\\ud800\",\"value\":\"\"}")]
    [InlineData("{\"key\":\"a\",\"value\":\"b\",\"expires_at\":\"soon\"}")]
    public void What_is_no_json_is_refused_in_one_line(string line)
    {
        var e = Assert.Throws<DmtException>(
            () => new NdjsonParser(TimeProvider.System).Parse(Encoding.UTF8.GetBytes(line), new ImportChunk()));
        Assert.Equal(DmtErrorKind.InvalidArgument, e.Kind);
        Assert.StartsWith("not valid JSON: ", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    private static void AssertSurvives(KeyEntry entry)
    {
        var line = NdjsonLine.Encode(entry, LineParts.All);
        Assert.DoesNotContain((byte)'\n', line);
        var (key, read) = NdjsonFields.Read(line).ToEntry();
        Assert.Equal(entry.Key.ToArray(), key.ToArray());
        Assert.Equal(entry.Entry.Value.ToArray(), read.Value.ToArray());
        Assert.Equal(entry.Entry.Metadata.ToArray(), read.Metadata.ToArray());
        Assert.Equal(entry.Entry.ExpiresAt, read.ExpiresAt);
        Assert.Equal(entry.Entry.Version, read.Version);
    }
}
