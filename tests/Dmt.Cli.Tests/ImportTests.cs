using System.Globalization;
using System.Text;
using Dmt.Api;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Hosting;

namespace Dmt.Cli.Tests;

public sealed class ImportTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Words_go_in_over_http_and_come_out_in_bytewise_order()
    {
        await using var server = await TestServer.StartAsync();
        var words = Enumerable.Range(0, 30_000)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $"wörd-{i * 7919 % 30_000}")).ToArray();
        var file = _cli.Folder.File("words.txt", "\uFEFF" + string.Join("\r\n", words) + "\n\n");
        var result =
            (await _cli.RunAsync("import", "words", file, "--url", server.Url.AbsoluteUri, "--json")).AssertOk();
        Assert.Contains("\"written\":30000,\"skipped\":0", result.Text, StringComparison.Ordinal);
        Assert.Equal(words.Length, await server.Model.CountAsync(KeyRange.All));

        var export =
            (await _cli.RunAsync("export", "--format", "words", "-", "--url", server.Url.AbsoluteUri)).AssertOk();
        Assert.Equal(words.Order(StringComparer.Ordinal), export.Lines);
    }

    [Fact]
    public async Task Csv_brings_weight_content_type_and_expiry()
    {
        var file = _cli.Folder.File(
            "x.csv", "key,value\na,1\n\"b,\"\"\n\",\"2\n3\",5\nc,,0.5,text/html,2040-01-01T00:00:00Z\n");
        (await _cli.RunAsync("import", "csv", file, "--header", "--data", _cli.Data)).AssertOk();
        Assert.Equal("1", await _cli.Store.GetTextAsync("a"));
        var b = (await _cli.Store.GetAsync("b,\"\n"))!.Value;
        Assert.Equal("2\n3", Encoding.UTF8.GetString(b.Value.Span));
        Assert.Equal(new EntryMetadata(null, 5), EntryMetadata.Decode(b.Metadata.Span));
        var c = (await _cli.Store.GetAsync("c"))!.Value;
        Assert.Equal(new EntryMetadata("text/html", 0.5), EntryMetadata.Decode(c.Metadata.Span));
        Assert.Equal(new DateTimeOffset(2040, 1, 1, 0, 0, 0, TimeSpan.Zero), c.ExpiresAt);
        Assert.Equal(3, await _cli.Store.CountAsync(KeyRange.All));
    }

    [Theory]
    [InlineData("ndjson", true)]
    [InlineData("ndjson", false)]
    [InlineData("csv", true)]
    [InlineData("csv", false)]
    public async Task What_is_exported_is_imported_identically(string format, bool overHttp)
    {
        await using var server = await TestServer.StartAsync();
        var expiry = DateTimeOffset.FromUnixTimeMilliseconds(4_000_000_000_123);
        var batch = new WriteBatch()
            .Put("plain"u8, "text"u8)
            .Put("quoted,\"\n"u8, "\r\n,\""u8, expiry, new EntryMetadata("text/plain;a=\"b,c\"", 0.1).Encode())
            .Put("typed"u8, default, null, new EntryMetadata("image/png", 0).Encode())
            .Put("weighed"u8, "é"u8, null, new EntryMetadata(null, 1e300).Encode())
            .Put("short-lived"u8, ""u8, expiry);
        if (format == "ndjson")
        {
            batch.Put([0xFF, 0x00], [0xC3]).Put("\0\u0001"u8, "\u2028"u8);
        }

        await server.Model.WriteAsync(batch);
        string[] from = ["--url", server.Url.AbsoluteUri];
        var file = _cli.Folder.Combine("out");
        (await _cli.RunAsync(["export", file, "--format", format, .. from])).AssertOk();
        Assert.False(File.Exists(file + ".partial"));

        await using var other = await TestServer.StartAsync();
        string[] to = overHttp ? ["--url", other.Url.AbsoluteUri] : ["--data", _cli.Data];
        (await _cli.RunAsync(["import", format, file, .. to])).AssertOk();
        var store = overHttp ? other.Model : _cli.Store;
        Assert.Equal(await ContentAsync(server.Model), await ContentAsync(store));
    }

    [Theory]
    [InlineData("csv")]
    [InlineData("words")]
    public async Task A_format_that_cannot_hold_a_key_refuses_and_leaves_no_file(string format)
    {
        await _cli.Store.WriteAsync(new WriteBatch().Put([0xFF], default));
        var file = _cli.Folder.Combine("out");
        var error = (await _cli.RunAsync("export", file, "--format", format, "--data", _cli.Data))
            .AssertFailed(ExitCodes.BadInput);
        Assert.Contains($"{format} cannot hold the key 0xFF", error, StringComparison.Ordinal);
        Assert.False(File.Exists(file));
        Assert.False(File.Exists(file + ".partial"));
    }

    [Fact]
    public async Task A_bad_line_stops_with_its_number_and_what_is_before_it_is_in()
    {
        var file = _cli.Folder.File(
            "x.ndjson", "{\"key\":\"a\",\"value\":\"1\"}\n\n{\"key\":\"b\"}\n{\"key\":\"c\",\"value\":\"1\"}\n");
        var error =
            (await _cli.RunAsync("import", "ndjson", file, "--data", _cli.Data)).AssertFailed(ExitCodes.BadInput);
        Assert.Equal(
            $"dmt: {file} line 3: the line has no value (and no \"delete\": true) "
            + "(lines before it are in; --skip-bad leaves bad lines out)",
            error);
        Assert.Equal("1", await _cli.Store.GetTextAsync("a"));
        Assert.Null(await _cli.Store.GetAsync("c"));

        var result = (await _cli.RunAsync(
            "import", "ndjson", file, "--data", _cli.Data, "--skip-bad", "--restart", "--json")).AssertOk();
        Assert.Contains("\"written\":2,\"skipped\":1", result.Text, StringComparison.Ordinal);
        Assert.Equal("1", await _cli.Store.GetTextAsync("c"));
    }

    [Fact]
    public async Task A_line_that_only_the_server_refuses_is_named_by_its_own_number()
    {
        await using var server = await TestServer.StartAsync(new() { AlphanumericKeys = true });
        var file = _cli.Folder.File(
            "words", string.Concat(Enumerable.Range(1, 3000).Select(i => i == 2345 ? "no-word\n" : $"word{i}\n")));
        string[] import = ["import", "words", file, "--url", server.Url.AbsoluteUri];
        var error = (await _cli.RunAsync(import)).AssertFailed(ExitCodes.BadInput);
        Assert.StartsWith($"dmt: {file} line 2345: the key \"no-word\" holds more than letters and digits", error,
            StringComparison.Ordinal);

        var result = (await _cli.RunAsync([.. import, "--skip-bad", "--json"])).AssertOk();
        Assert.Contains("\"written\":2999,\"skipped\":1", result.Text, StringComparison.Ordinal);
        Assert.Equal(2999, await server.Model.CountAsync(KeyRange.All));
    }

    [Fact]
    public async Task The_last_line_of_a_key_wins_though_chunks_overtake_each_other()
    {
        // Chunks that were sent later finish first; each key stands in every chunk.
        var depth = 0;
        _cli.Wrap = store => new SlowFirst(store, () => Interlocked.Increment(ref depth));
        var lines = Enumerable.Range(0, 20_000).Select(i => $"k{i % 100},{i}\n");
        var result = await _cli.RunAsync(
            Encoding.UTF8.GetBytes(string.Concat(lines)), ["import", "csv", "-", "--data", _cli.Data]);
        result.AssertOk();
        for (var k = 0; k < 100; k++)
        {
            Assert.Equal($"{19_900 + k}", await _cli.Store.GetTextAsync($"k{k}"));
        }

        Assert.True(depth >= 4, "there were several chunks");
    }

    [Fact]
    public async Task Deletes_and_time_to_live_are_applied()
    {
        await _cli.Store.PutAsync("a", "x");
        var input =
            Encoding.UTF8.GetBytes(
                "{\"key\":\"a\",\"delete\":true}\n{\"key\":\"b\",\"value\":\"v\",\"ttl\":3600}\n"
                + "{\"key\":\"c\",\"value\":\"v\",\"ttl\":\"2h\"}");
        var before = DateTimeOffset.UtcNow;
        (await _cli.RunAsync(input, ["import", "ndjson", "-", "--data", _cli.Data])).AssertOk();
        Assert.Null(await _cli.Store.GetAsync("a"));
        Assert.InRange(
            (await _cli.Store.GetAsync("b"))!.Value.ExpiresAt!.Value, before.AddSeconds(3599), before.AddHours(1.5));
        Assert.InRange(
            (await _cli.Store.GetAsync("c"))!.Value.ExpiresAt!.Value, before.AddSeconds(7199), before.AddHours(2.5));
    }

    [Fact]
    public async Task A_missing_file_is_bad_input() => Assert.Equal(
        "dmt: cannot read /nowhere/words: no such file",
        (await _cli.RunAsync("import", "words", "/nowhere/words", "--data", _cli.Data))
            .AssertFailed(ExitCodes.BadInput));

    private static async Task<List<string>> ContentAsync(ITrieStore store)
    {
        var content = new List<string>();
        await foreach (var (key, entry) in store.EnumerateAsync(new ScanRequest()))
        {
            content.Add(
                $"{Convert.ToHexString(key.Span)} {Convert.ToHexString(entry.Value.Span)} "
                    + $"{Convert.ToHexString(entry.Metadata.Span)} "
                + entry.ExpiresAt?.ToString("O", CultureInfo.InvariantCulture));
        }

        return content;
    }

    /// <summary>Every write waits until the one after it was sent, or nothing more comes to be sent.</summary>
    private sealed class SlowFirst(ITrieStore inner, Func<int> count) : ForwardingStore(inner)
    {
        public override async ValueTask<ulong> WriteAsync(
            WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default)
        {
            var number = count();
            for (var turn = 0; number % 2 == 1 && turn < 1000; turn++)
            {
                await Task.Yield();
            }

            return await base.WriteAsync(batch, durability, cancellationToken);
        }
    }
}
