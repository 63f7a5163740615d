using System.Net;
using System.Text;
using Dmt.Core;

namespace Dmt.Api.Tests;

public sealed class WordTests
{
    private const string Words = "/api/v1/words";

    [Fact]
    public async Task A_word_is_new_once()
    {
        await using var host = await ApiHost.StartAsync();
        Assert.Equal(
            "{\"word\":\"tréé\"}",
            await host.SendAsync("POST", Words, "{\"word\":\"tréé\"}").IsAsync(HttpStatusCode.Created).TextAsync());
        Assert.Equal(
            "{\"word\":\"tréé\"}",
            await host.SendAsync("POST", Words, "{\"word\":\"tréé\"}").IsAsync(HttpStatusCode.OK).TextAsync());
        Assert.Equal(0, (await host.Model.GetAsync("tréé"))!.Value.Value.Length);
    }

    [Fact]
    public async Task A_word_can_be_removed_again_and_again()
    {
        await using var host = await ApiHost.StartAsync();
        await host.Model.PutAsync("w", "value");
        await host.SendAsync("DELETE", Words, "{\"word\":\"w\"}").IsAsync(HttpStatusCode.NoContent);
        Assert.Null(await host.Model.GetAsync("w"));
        await host.SendAsync("DELETE", Words, "{\"word\":\"w\"}").IsAsync(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task A_word_whose_key_holds_a_value_keeps_value_type_and_expiry()
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("PUT", "/kv/w?ttl=60", "value", "text/csv").IsAsync(HttpStatusCode.NoContent);
        var before = (await host.Model.GetAsync("w"))!.Value;
        await host.SendAsync("POST", Words, "{\"word\":\"w\"}").IsAsync(HttpStatusCode.OK);
        Assert.Equal(before.Version, (await host.Model.GetAsync("w"))!.Value.Version);
        host.Clock.Advance(TimeSpan.FromSeconds(10));
        await host.SendAsync("POST", Words, "{\"word\":\"w\",\"weight\":2.5}").IsAsync(HttpStatusCode.OK);
        var after = (await host.Model.GetAsync("w"))!.Value;
        Assert.True(after.Version > before.Version);
        Assert.Equal(before.ExpiresAt, after.ExpiresAt);
        var row = (await host.JsonAsync("/bulk/range")).GetProperty("results")[0];
        Assert.Equal("value", row.GetProperty("value").GetString());
        Assert.Equal("text/csv", row.GetProperty("content_type").GetString());
        Assert.Equal(2.5, row.GetProperty("weight").GetDouble());
    }

    [Fact]
    public async Task A_word_without_weight_keeps_the_weight_it_has()
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("POST", Words, "{\"word\":\"w\",\"weight\":7}").IsAsync(HttpStatusCode.Created);
        await host.SendAsync("POST", Words, "{\"word\":\"w\"}").IsAsync(HttpStatusCode.OK);
        Assert.Equal(7, EntryMetadata.Decode((await host.Model.GetAsync("w"))!.Value.Metadata.Span).Weight);
    }

    [Fact]
    public async Task A_word_that_loses_a_race_is_tried_again()
    {
        var races = 0;
        await using var host = await ApiHost.StartAsync(wrap: store => new HookedStore(store)
        {
            BeforeWrite = async inner =>
            {
                if (races++ < 3)
                {
                    await inner.PutAsync("w", $"other {races}");
                }
            },
        });
        await host.SendAsync("POST", Words, "{\"word\":\"w\",\"weight\":1}").IsAsync(HttpStatusCode.OK);
        Assert.Equal("other 3", await host.Model.GetTextAsync("w"));
        Assert.Equal(4, races);
    }

    [Fact]
    public async Task A_word_that_always_loses_is_told_so()
    {
        await using var host = await ApiHost.StartAsync(wrap: store => new HookedStore(store)
        {
            BeforeWrite = async inner => await inner.PutAsync("w", "other"),
        });
        await host.SendAsync("POST", Words, "{\"word\":\"w\",\"weight\":1}").IsProblemAsync(409, "Conflict");
    }

    [Theory]
    [InlineData("", "JSON")]
    [InlineData("{", "JSON")]
    [InlineData("{\"word\":\"w\"", "JSON")]
    [InlineData("{\"word\":\"w\"} x", "JSON")]
    [InlineData("{\"word\":\"w\",}", "line 1, byte 13")]
    [InlineData("\"w\"", "object")]
    [InlineData("{}", "word")]
    [InlineData("{\"word\":null}", "string")]
    [InlineData("{\"word\":\"\"}", "empty")]
    [InlineData("{\"word\":\"\\ud800\"}", "Unicode")]
    [InlineData("{\"wrod\":\"w\"}", "wrod")]
    [InlineData("{\"word\":\"w\",\"weight\":-1}", "weight")]
    [InlineData("{\"word\":\"w\",\"weight\":1e999}", "weight")]
    [InlineData("{\"word\":\"w\",\"weight\":\"1\"}", "weight")]
    [InlineData("{\"word\":\"w\",\"weight\":NaN}", "JSON")]
    public async Task A_bad_body_is_refused_and_changes_nothing(string body, string word)
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("POST", Words, body).IsProblemAsync(400, "InvalidArgument", word);
        Assert.Equal(0, await host.Model.CountAsync(default));
    }

    [Fact]
    public async Task Words_come_as_json_of_bounded_size()
    {
        await using var host = await ApiHost.StartAsync();
        await host.SendAsync("POST", Words, "{\"word\":\"w\"}", "text/plain")
            .IsProblemAsync(415, "UnsupportedMediaType");
        await host.SendAsync("POST", Words, new string(' ', 20_000)).IsProblemAsync(413, "TooLarge");
        await host.SendAsync("POST", Words, "{\"word\":\"" + new string('w', 1025) + "\"}")
            .IsProblemAsync(400, "InvalidArgument", "1025");
        await host.SendAsync("POST", Words + "?x=1", "{\"word\":\"w\"}")
            .IsProblemAsync(400, "InvalidArgument", "\"x\"");
        Assert.Equal(0, await host.Model.CountAsync(default));
    }

    [Theory]
    [InlineData(null, 0, 0)]
    [InlineData(null, 1, 2)]
    [InlineData(null, 300, 3)]
    [InlineData(null, 0.5, 9)]
    [InlineData(null, 9007199254740992, 9)]
    [InlineData(null, 1e300, 9)]
    [InlineData("application/json", 0, 2)]
    [InlineData("application/json", 3, 3)]
    [InlineData("text/csv; header=present", 1e-9, 34)]
    public void Metadata_comes_back_from_few_bytes(string? type, double weight, int bytes)
    {
        var metadata = new EntryMetadata(type, weight);
        var encoded = metadata.Encode();
        Assert.Equal(metadata, EntryMetadata.Decode(encoded));
        Assert.Equal(bytes, encoded.Length);
    }

    [Fact]
    public void Foreign_metadata_reads_as_none()
    {
        Assert.Equal(default, EntryMetadata.Decode("my own"u8));
        Assert.Equal(default, EntryMetadata.Decode([0x20, 1]));
        var longest = new EntryMetadata("a/" + new string('b', EntryMetadata.ContentTypeCharsMax - 2), 0.1).Encode();
        Assert.True(longest.Length <= Entry.MetadataBytesMax);
        for (var length = 0; length < 10; length++)
        {
            Assert.Equal(default, EntryMetadata.Decode(longest.AsSpan(0, length)));
        }

        Assert.Equal("a/b", EntryMetadata.Decode([0x14, 0, .. Encoding.ASCII.GetBytes("a/b")]).ContentType);
    }
}
