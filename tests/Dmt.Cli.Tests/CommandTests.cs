using System.Net;
using System.Net.Sockets;
using System.Text;
using Dmt.Api;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Hosting;

namespace Dmt.Cli.Tests;

public sealed class CommandTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Get_prints_the_value_byte_for_byte()
    {
        await _cli.Store.PutAsync(Key.FromText("k"), new byte[] { 1, 0, 255, 10 });
        Assert.Equal([1, 0, 255, 10], (await RunAsync("get", "k")).AssertOk().Output);
    }

    [Fact]
    public async Task Get_of_a_missing_key_is_a_negative_answer()
    {
        var result = await RunAsync("get", "k");
        Assert.Equal("dmt: no such key: k", result.AssertFailed(ExitCodes.Negative));
        Assert.Empty(result.Output);
    }

    [Fact]
    public async Task Get_json_shows_all_there_is()
    {
        var expiry = DateTimeOffset.FromUnixTimeMilliseconds(4_000_000_000_123);
        await _cli.Store.WriteAsync(
            new WriteBatch().Put("k"u8, "é\n"u8, expiry, new EntryMetadata("text/plain", 3).Encode()));
        Assert.Equal(
            "{\"key\":\"k\",\"value\":\"é\\n\",\"content_type\":\"text/plain\",\"weight\":3,"
            + "\"expires_at\":\"2096-10-02T07:06:40.123Z\",\"version\":1}\n",
            (await RunAsync("get", "k", "--json")).AssertOk().Text);
    }

    [Fact]
    public async Task Put_takes_text_standard_input_or_a_file()
    {
        (await RunAsync("put", "text", "@not-a-response-file")).AssertOk();
        (await _cli.RunAsync([0, 255], ["put", "stdin", "-", "--data", _cli.Data])).AssertOk();
        (await RunAsync("put", "file", "--file", _cli.Folder.File("f", "from a file"), "--content-type", "text/plain"))
            .AssertOk();
        Assert.Equal("@not-a-response-file", await _cli.Store.GetTextAsync("text"));
        Assert.Equal([0, 255], (await _cli.Store.GetAsync("stdin"))!.Value.Value.ToArray());
        var file = (await _cli.Store.GetAsync("file"))!.Value;
        Assert.Equal("from a file", Encoding.UTF8.GetString(file.Value.Span));
        Assert.Equal("text/plain", EntryMetadata.Decode(file.Metadata.Span).ContentType);
    }

    [Fact]
    public async Task Put_conditions_decide_the_exit_code()
    {
        var put = (await RunAsync("put", "k", "1", "--if-absent", "--json")).AssertOk();
        Assert.Equal("{\"key\":\"k\",\"version\":1}\n", put.Text);
        (await RunAsync("put", "k", "2", "--if-absent")).AssertFailed(ExitCodes.Negative);
        (await RunAsync("put", "k", "2", "--if-version", "7")).AssertFailed(ExitCodes.Negative);
        (await RunAsync("put", "k", "2", "--if-version", "1", "--ttl", "1h", "--fsync", "strict")).AssertOk();
        Assert.NotNull((await _cli.Store.GetAsync("k"))!.Value.ExpiresAt);
    }

    [Theory]
    [InlineData("put needs a value: as text, - for standard input, or --file F", "put", "k")]
    [InlineData("put takes a value or --file, not both", "put", "k", "v", "--file", "f")]
    [InlineData("cannot read /no/such: no such file", "put", "k", "--file", "/no/such")]
    [InlineData("--ttl is \"soon\": expected 1ms to 100 years, as 500ms, 60s, 10m, 24h or 7d", "put", "k", "v", "--ttl",
        "soon")]
    [InlineData("--if-version and --if-absent cannot go together", "put", "k", "v", "--if-absent", "--if-version", "1")]
    [InlineData("--if-version is 0: expected a version, 1 or more", "put", "k", "v", "--if-version", "0")]
    [InlineData("the key is empty: a key has 1 to 1024 bytes", "get", "")]
    [InlineData("delete needs a key or --prefix P", "delete")]
    [InlineData("delete takes a key or --prefix, not both", "delete", "k", "--prefix", "p")]
    [InlineData("an empty --prefix means every key: add --force if you mean it", "delete", "--prefix", "")]
    [InlineData("--if-version needs a key: a prefix has no version", "delete", "--prefix", "p", "--if-version", "1")]
    [InlineData("--prefix cannot go with --from or --to", "scan", "--prefix", "p", "--to", "q")]
    [InlineData("--limit is 0: expected 1 or more", "scan", "--limit", "0")]
    [InlineData("--limit is -3: expected 1 or more", "search", "x", "--limit", "-3")]
    [InlineData("--json cannot go with -: standard output is taken by the entries", "export", "-", "--json")]
    [InlineData(
        "--url and --data cannot go together: name a server, a folder or a bucket", "stat", "--url", "http://x")]
    [InlineData(" and --store cannot go together: name a folder or a bucket", "stat", "--store", "s3://bucket/p")]
    [InlineData("get needs KEY; see dmt get --help", "get")]
    [InlineData("unknown flag --limits (did you mean --limit?); see dmt scan --help", "scan", "--limits", "3")]
    [InlineData("unknown argument c; see dmt put --help", "put", "a", "b", "c")]
    public async Task Bad_usage_is_one_line_and_exit_code_2(string expected, params string[] arguments) =>
        Assert.Contains(
            expected, (await RunAsync(arguments)).AssertFailed(ExitCodes.BadInput), StringComparison.Ordinal);

    [Fact]
    public async Task Tools_take_what_a_bucket_needs_to_be_reached()
    {
        (await _cli.RunAsync(
            "stat", "--store", "s3://bucket/p", "--store-endpoint", "http://x:1", "--store-region", "eu-north-1"))
            .AssertOk();
        var bucket = Assert.Single(_cli.Buckets);
        Assert.Equal(("s3://bucket/p", "http://x:1/", "eu-north-1"),
            (bucket.Location, bucket.Endpoint?.ToString(), bucket.Region));
    }

    [Theory]
    [InlineData("unknown command serv (did you mean serve?); see dmt --help", "serv")]
    [InlineData("unknown flag --prot (did you mean --port?); see dmt serve --help", "serve", "--prot", "3030")]
    [InlineData("a command is missing: dmt import and one of words, csv, ndjson; see dmt import --help", "import")]
    [InlineData(
        "\"ftp://x\" is no server URL: expected something like http://localhost:3030", "stat", "--url", "ftp://x")]
    [InlineData("port from the flag --port is \"x\": expected a whole number from 0 to 65535", "serve", "--port", "x")]
    [InlineData("cannot inspect /no/such: no such file or folder", "inspect", "/no/such")]
    public async Task Bad_command_lines_are_one_line_and_exit_code_2(string expected, params string[] arguments) =>
        Assert.Equal("dmt: " + expected, (await _cli.RunAsync(arguments)).AssertFailed(ExitCodes.BadInput));

    [Fact]
    public async Task Delete_removes_a_key_or_a_prefix_and_what_is_not_there_is_no_error()
    {
        await _cli.Store.WriteAsync(
            new WriteBatch().Put("a"u8, default).Put("p/1"u8, default).Put("p/2"u8, default).Put("z"u8, default));
        (await RunAsync("delete", "a")).AssertOk();
        (await RunAsync("delete", "a")).AssertOk();
        (await RunAsync("delete", "--prefix", "p/")).AssertOk();
        Assert.Equal(1, await _cli.Store.CountAsync(KeyRange.All));
        (await RunAsync("delete", "z", "--if-version", "1")).AssertFailed(ExitCodes.Negative);
        (await RunAsync("delete", "--prefix", "", "--force")).AssertOk();
        Assert.Equal(0, await _cli.Store.CountAsync(KeyRange.All));
    }

    [Fact]
    public async Task Scan_lists_in_order_within_its_bounds()
    {
        await _cli.Store.WriteAsync(
            new WriteBatch()
                .Put("a"u8, "1"u8).Put("b"u8, "x\ty"u8).Put("b2"u8, ""u8).Put("c"u8, "3"u8).Put([0xFF], [0xFE]));
        Assert.Equal("a\t1\nb\tx\\x09y\nb2\t\nc\t3\n\\xFF\t\\xFE\n", (await RunAsync("scan")).AssertOk().Text);
        Assert.Equal("b\nb2\n", (await RunAsync("scan", "--prefix", "b", "--keys")).AssertOk().Text);
        Assert.Equal("b\nb2\n", (await RunAsync("scan", "--from", "b", "--to", "c", "--keys")).AssertOk().Text);
        Assert.Equal(
            "c\nb2\n", (await RunAsync("scan", "--to", "d", "--reverse", "--limit", "2", "--keys")).AssertOk().Text);
        Assert.Equal("", (await RunAsync("scan", "--from", "x", "--to", "b")).AssertOk().Text);
        Assert.Equal(
            "{\"key_base64\":\"/w==\",\"value_base64\":\"/g==\",\"version\":5}\n",
            (await RunAsync("scan", "--reverse", "--limit", "1", "--json")).AssertOk().Text);
    }

    [Fact]
    public async Task Search_lists_words_and_none_is_a_negative_answer()
    {
        var batch = new WriteBatch();
        foreach (var (
            word, weight) in (ReadOnlySpan<(string, int)>)[("trial", 2), ("triage", 9), ("triangle", 2), ("other", 5)])
        {
            batch.Put(Encoding.UTF8.GetBytes(word), default, null, new EntryMetadata(null, weight).Encode());
        }

        await _cli.Store.WriteAsync(batch);
        Assert.Equal(["triage", "trial", "triangle"], (await RunAsync("search", "tri")).AssertOk().Lines);
        Assert.Equal(["triage", "trial"], (await RunAsync("search", "tri", "--order", "weight", "--limit", "2"))
            .AssertOk().Lines);
        Assert.Equal("[\"trial\"]\n", (await RunAsync("search", "trial", "--json")).AssertOk().Text);
        var none = await RunAsync("search", "zzz", "--json");
        Assert.Equal((ExitCodes.Negative, "[]\n"), (none.ExitCode, none.Text));
    }

    [Fact]
    public async Task Stat_shows_a_table_or_the_json_of_the_server()
    {
        await _cli.Store.PutAsync("k", "v");
        Assert.Contains("write amplification", (await RunAsync("stat")).AssertOk().Text, StringComparison.Ordinal);
        Assert.Contains(
            "\"last_sequence\":1", (await RunAsync("stat", "--json")).AssertOk().Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspect_shows_every_line_and_damage_is_exit_code_4()
    {
        _cli.Inspection.Add(new("table t: 3 blocks", IsDamage: false));
        Assert.Equal("table t: 3 blocks\n", (await _cli.RunAsync("inspect", _cli.Data)).AssertOk().Text);
        _cli.Inspection.Add(new("block at 17: checksum", IsDamage: true));
        var damaged = await _cli.RunAsync("inspect", _cli.Data);
        Assert.Equal((ExitCodes.Corruption, "table t: 3 blocks\nDAMAGED block at 17: checksum\n"), (
            damaged.ExitCode, damaged.Text));
    }

    [Fact]
    public async Task Where_no_server_answers_the_exit_code_is_3()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _cli.Environment["DMT_URL"] = $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
        listener.Stop();
        foreach (var arguments in (string[][])[["get", "k"], ["put", "k", "v"], ["scan"], ["search", "x"], ["stat"],
            ["export", "-"], ["import", "ndjson", "-"]])
        {
            var error = (await _cli.RunAsync("{\"key\":\"a\",\"value\":\"\"}"u8.ToArray(), arguments))
                .AssertFailed(ExitCodes.Unavailable);
            Assert.Contains("no server answers at http://127.0.0.1:", error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_folder_that_is_not_there_is_never_made_by_a_reader()
    {
        var folder = _cli.Folder.Combine("typo");
        Assert.Equal(
            $"dmt: there is no store at {folder}: no such folder",
            (await _cli.RunAsync("get", "k", "--data", folder)).AssertFailed(ExitCodes.Unavailable));
        Assert.False(Directory.Exists(folder));
    }

    [Theory]
    [InlineData(DmtErrorKind.Corruption, ExitCodes.Corruption)]
    [InlineData(DmtErrorKind.Unavailable, ExitCodes.Unavailable)]
    [InlineData(DmtErrorKind.Closed, ExitCodes.Unavailable)]
    [InlineData(DmtErrorKind.Fenced, ExitCodes.Unavailable)]
    [InlineData(DmtErrorKind.TooLarge, ExitCodes.BadInput)]
    public async Task Each_kind_of_error_has_its_exit_code(DmtErrorKind kind, int exitCode)
    {
        _cli.Wrap = _ => throw new DmtException(kind, "what is wrong,\nin two lines");
        Assert.Equal("dmt: what is wrong, in two lines", (await RunAsync("stat")).AssertFailed(exitCode));
    }

    [Fact]
    public async Task A_defect_shows_no_stack_trace_unless_asked()
    {
        _cli.Wrap = _ => throw new InvalidOperationException("oops");
        Assert.Equal(
            "dmt: InvalidOperationException: oops (this is a defect of dmt, DMT_DEBUG=1 shows where)",
            (await RunAsync("stat")).AssertFailed(ExitCodes.Defect));
        _cli.Environment["DMT_DEBUG"] = "1";
        Assert.Contains(" at Dmt.Cli.", (await RunAsync("stat")).Error, StringComparison.Ordinal);
    }

    private Task<CliResult> RunAsync(params string[] arguments) => _cli.RunAsync([.. arguments, "--data", _cli.Data]);
}
