using System.Net;
using System.Net.Sockets;
using System.Text;
using Dmt.Api;
using Dmt.Cli.Configuration;
using Dmt.Cli.Http;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Cli.Tests;

public class HttpTrieStoreTests
{
    public static TheoryData<string> AwkwardKeys =>
        new("a/b", "..", ".", "%2F", "a b+c", "é\n\"\\", "?q=1#x", new string('k', 1024));

    [Theory]
    [MemberData(nameof(AwkwardKeys))]
    public async Task Any_key_of_text_is_put_got_and_deleted(string key)
    {
        await using var server = await TestServer.StartAsync();
        var metadata = new EntryMetadata("image/png", 0).Encode();
        var version =
            await server.Client.PutAsync(Key.FromText(key), new byte[] { 0, 255 }, new() { Metadata = metadata });
        var entry = await server.Client.GetAsync(key);
        Assert.Equal([0, 255], entry!.Value.Value.ToArray());
        Assert.Equal(metadata, entry.Value.Metadata.ToArray());
        Assert.Equal(version, entry.Value.Version);
        Assert.Equal(version, (await server.Model.GetAsync(key))!.Value.Version);
        await server.Client.DeleteAsync(key);
        Assert.Null(await server.Client.GetAsync(key));
    }

    [Fact]
    public async Task Conditions_hold_or_say_which_version_is_there()
    {
        await using var server = await TestServer.StartAsync();
        var version = await server.Client.PutAsync("k", "1", new() { Condition = WriteCondition.Absent });
        var e = await Assert.ThrowsAsync<DmtException>(
            async () => await server.Client.PutAsync("k", "2", new() { Condition = WriteCondition.Absent }));
        Assert.Equal((DmtErrorKind.Conflict, version), (e.Kind, e.CurrentVersion));
        await server.Client.PutAsync("k", "3", new() { Condition = WriteCondition.VersionIs(version) });
        e = await Assert.ThrowsAsync<DmtException>(
            async () => await server.Client.DeleteAsync("k", new() { Condition = WriteCondition.VersionIs(version) }));
        Assert.Equal(DmtErrorKind.Conflict, e.Kind);
        Assert.Equal("3", await server.Client.GetTextAsync("k"));
        e = await Assert.ThrowsAsync<DmtException>(
            async () => await server.Client.PutAsync("new", "", new() { Condition = WriteCondition.Present }));
        Assert.Equal((DmtErrorKind.Conflict, 0UL), (e.Kind, e.CurrentVersion));
    }

    [Fact]
    public async Task Expiry_and_weight_come_through()
    {
        await using var server = await TestServer.StartAsync();
        await server.Client.PutAsync("ttl", "v", new() { TimeToLive = TimeSpan.FromHours(1) });
        Assert.Equal((await server.Model.GetAsync("ttl"))!.Value.ExpiresAt, (
            await server.Client.GetAsync("ttl"))!.Value.ExpiresAt);
        var metadata = new EntryMetadata(null, 2.5).Encode();
        await server.Client.WriteAsync(new WriteBatch().Put("w"u8, "v"u8, null, metadata));
        Assert.Equal(metadata, (await server.Client.GetAsync("w"))!.Value.Metadata.ToArray());
        await server.Client.PutAsync("p", "v", new() { Metadata = metadata });
        Assert.Equal(metadata, (await server.Client.GetAsync("p"))!.Value.Metadata.ToArray());
    }

    [Fact]
    public async Task A_batch_of_any_bytes_arrives_as_it_is()
    {
        await using var server = await TestServer.StartAsync();
        var expiry = DateTimeOffset.FromUnixTimeMilliseconds(4_000_000_000_123);
        byte[] key = [0xFF, 0, 1], value = [0xC3, 0x28];
        await server.Model.PutAsync("gone", "x");
        await server.Client.WriteAsync(
            new WriteBatch().Put(key, value, expiry).Put("t"u8, "\u2028\""u8).Delete("gone"u8));
        var found = await server.Client.ScanAsync(new ScanRequest());
        Assert.Equal(["t"u8.ToArray(), key], found.Entries.Select(e => e.Key.ToArray()));
        Assert.Equal(value, found.Entries[1].Entry.Value.ToArray());
        Assert.Equal(expiry, found.Entries[1].Entry.ExpiresAt);
        Assert.Equal((await server.Model.GetAsync("t"))!.Value.Version, found.Entries[0].Entry.Version);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Page_after_page_and_one_stream_give_what_the_store_holds(bool reverse)
    {
        await using var server = await TestServer.StartAsync();
        var batch = new WriteBatch();
        for (var i = 0; i < 2500; i++)
        {
            batch.Put(Encoding.UTF8.GetBytes($"k{i:D5}"), Encoding.UTF8.GetBytes($"v{i}"));
        }

        // Every prefix here ends where the next key would not be text.
        batch.Put(Encoding.UTF8.GetBytes("ÿa"), default).Put(Encoding.UTF8.GetBytes("ÿb"), default);
        await server.Model.WriteAsync(batch);
        KeyRange[] ranges =
            [KeyRange.All, KeyRange.Prefix("k0"u8.ToArray()), KeyRange.Prefix(
                Encoding.UTF8.GetBytes("ÿ")), new("k00100"u8.ToArray(), "k00200"u8.ToArray())];
        foreach (var range in ranges)
        {
            var request = new ScanRequest { Range = range, Reverse = reverse, Limit = 700 };
            var expected = await KeysAsync(server.Model.EnumerateAsync(request));
            Assert.NotEmpty(expected);
            Assert.Equal(expected, await KeysAsync(server.Client.EnumerateAsync(request)));
            Assert.Equal(expected, await KeysAsync(server.Client.StreamAsync(request, long.MaxValue, default)));
            Assert.Equal(expected.Take(7), await KeysAsync(server.Client.StreamAsync(request, 7, default)));
            Assert.Equal(expected.Count, await server.Client.CountAsync(range));
        }
    }

    [Fact]
    public async Task A_prefix_is_deleted_at_once_and_any_other_range_refused()
    {
        await using var server = await TestServer.StartAsync();
        await server.Model.WriteAsync(new WriteBatch().Put("a/1"u8, default).Put("a/2"u8, default).Put("b"u8, default));
        await server.Client.DeleteRangeAsync(KeyRange.Prefix("a/"u8.ToArray()));
        Assert.Equal(1, await server.Model.CountAsync(KeyRange.All));
        var e = await Assert.ThrowsAsync<DmtException>(
            async () => await server.Client.DeleteRangeAsync(new KeyRange("a"u8.ToArray(), "z"u8.ToArray())));
        Assert.Equal(DmtErrorKind.InvalidArgument, e.Kind);
        await server.Client.DeleteRangeAsync(KeyRange.All);
        Assert.Equal(0, await server.Model.CountAsync(KeyRange.All));
    }

    [Fact]
    public async Task Words_are_found_in_either_order_past_a_page()
    {
        await using var server = await TestServer.StartAsync();
        var batch = new WriteBatch();
        for (var i = 0; i < 250; i++)
        {
            batch.Put(Encoding.UTF8.GetBytes($"w{i:D3}"), default, null, new EntryMetadata(null, i).Encode());
        }

        await server.Model.WriteAsync(batch);
        var local = new ForwardingStore(server.Model);
        foreach (var byWeight in (bool[])[false, true])
        {
            foreach (var limit in (long[])[3, 240, 1000])
            {
                var words = await ListAsync(server.Client.SearchAsync("w", limit, byWeight, default));
                Assert.Equal(Math.Min(250, limit), words.Count);
                Assert.Equal(byWeight ? "w249" : "w000", words[0]);
                Assert.Equal(words, await ListAsync(local.SearchAsync("w", limit, byWeight, default)));
            }
        }
    }

    [Fact]
    public async Task Statistics_and_sync_work()
    {
        await using var server = await TestServer.StartAsync();
        await server.Client.PutAsync("k", "v");
        await server.Client.SyncAsync();
        var (expected, got) = (await server.Model.StatAsync(), await server.Client.StatAsync());
        Assert.Equal(expected with { Levels = got.Levels }, got);
        Assert.Equal(expected.Levels, got.Levels);
    }

    [Fact]
    public async Task Errors_of_the_server_keep_their_kind_and_message()
    {
        await using var server = await TestServer.StartAsync(new ServeSettings { ValueBytesMax = 10 });
        var e = await Assert.ThrowsAsync<DmtException>(
            async () => await server.Client.PutAsync("k", "more than ten bytes"));
        Assert.Equal((DmtErrorKind.TooLarge, "the value has 19 bytes: at most 10 are allowed"), (e.Kind, e.Message));
        server.Model.RefuseWrites("the disk is full");
        e = await Assert.ThrowsAsync<DmtException>(async () => await server.Client.PutAsync("k", "v"));
        Assert.Equal(DmtErrorKind.Unavailable, e.Kind);
        Assert.Contains("the disk is full", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_no_server_answers_the_error_says_how_to_start_one()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        await using var store = new HttpTrieStore(new Uri($"http://127.0.0.1:{port}"), TimeProvider.System);
        var e = await Assert.ThrowsAsync<DmtException>(async () => await store.GetAsync("k"));
        Assert.Equal(
            (DmtErrorKind.Unavailable, $"no server answers at http://127.0.0.1:{port}: start one with `dmt serve`"),
                (e.Kind, e.Message));
    }

    [Theory]
    [InlineData("HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", "answers 500 Oh: is that a dmt server?")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "broke off: ")]
    [InlineData("nonsense\r\n\r\n", "no answer from http://127.0.0.1:")]
    public async Task What_is_no_dmt_server_is_said_to_be_none(string answer, string expected)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = AnswerOnceAsync(listener, answer);
        var url = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        await using var store = new HttpTrieStore(url, TimeProvider.System);
        var e = await Assert.ThrowsAsync<DmtException>(async () => await store.GetAsync("k"));
        Assert.Equal(DmtErrorKind.Unavailable, e.Kind);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        await serving;
    }

    private static async Task AnswerOnceAsync(TcpListener listener, string answer)
    {
        using var connection = await listener.AcceptTcpClientAsync();
        var stream = connection.GetStream();
        Assert.True(await stream.ReadAsync(new byte[4096]) > 0);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
    }

    private static async Task<List<string>> KeysAsync(IAsyncEnumerable<KeyEntry> entries)
    {
        var keys = new List<string>();
        await foreach (var (key, entry) in entries)
        {
            keys.Add(Encoding.UTF8.GetString(key.Span) + "=" + Encoding.UTF8.GetString(entry.Value.Span));
        }

        return keys;
    }

    private static async Task<List<string>> ListAsync(IAsyncEnumerable<string> words)
    {
        var list = new List<string>();
        await foreach (var word in words)
        {
            list.Add(word);
        }

        return list;
    }
}
