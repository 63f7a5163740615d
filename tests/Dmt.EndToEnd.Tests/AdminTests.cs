using System.Text;
using System.Text.Json;

namespace Dmt.EndToEnd.Tests;

/// <summary>Checkpoints, garbage and clones with the real program.</summary>
public sealed class AdminTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly BuiltProgram _program;

    public AdminTests() => _program = new BuiltProgram(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_served_folder_is_checkpointed_and_collected_and_after_a_stop_restored()
    {
        using (var server = await _program.ServeAsync())
        {
            await PutAsync(server, "a", "1");
            await OkAsync("checkpoint", "create", "x", "--url", server.Url);
            await PutAsync(server, "a", "2");
            Assert.Contains("│ x ", await OkAsync("checkpoint", "list", "--url", server.Url));
            Assert.Contains("would be deleted", await OkAsync("gc", "--dry-run", "--url", server.Url));
            await OkAsync("gc", "--url", server.Url);
            var (code, _, error) = await _program.RunAsync("checkpoint", "restore", "x", "--url", server.Url);
            Assert.True(code == 2, error);
            Assert.Equal(0, await server.StopAsync(ServerProcess.SigTerm));
        }

        await OkAsync("checkpoint", "restore", "x", "--data", _program.DataFolder);
        using (var again = await _program.ServeAsync())
        {
            Assert.Equal("1", await again.Client.GetStringAsync("/kv/a"));
            await OkAsync("checkpoint", "delete", "x", "--url", again.Url);
        }
    }

    [Fact]
    [Trait("Needs", "s3")]
    public async Task A_bucket_is_checkpointed_collected_and_restored_with_no_server_on_it()
    {
        var bucket = new TestBucket();
        using (var server = await bucket.ServeAsync(_program))
        {
            await PutAsync(server, "a", "1");
            await OkAsync("checkpoint", "create", "x", "--url", server.Url);
            await PutAsync(server, "a", "2");
            Assert.Equal(0, await server.StopAsync(ServerProcess.SigTerm));
        }

        Assert.Contains("│ x ", await OkAsync(bucket, "checkpoint", "list"));
        await OkAsync(bucket, "checkpoint", "create", "y");
        await OkAsync(bucket, "checkpoint", "restore", "x");
        Assert.Contains("would be deleted", await OkAsync(bucket, "gc", "--dry-run", "--min-age", "0"));
        await OkAsync(bucket, "gc", "--min-age", "0");
        using (var server = await bucket.ServeAsync(_program))
        {
            Assert.Equal("1", await server.Client.GetStringAsync("/kv/a"));
            Assert.Equal(0, await server.StopAsync(ServerProcess.SigTerm));
        }

        await OkAsync(bucket, "checkpoint", "delete", "x");
        await OkAsync(bucket, "checkpoint", "restore", "y");
        using var last = await bucket.ServeAsync(_program);
        Assert.Equal("2", await last.Client.GetStringAsync("/kv/a"));
    }

    [Fact]
    [Trait("Needs", "s3")]
    public async Task A_served_bucket_is_cloned_by_reference_and_both_go_their_ways()
    {
        const int Count = 20_000;
        var bucket = new TestBucket();
        var clone = bucket.Sibling("clone");
        using var source = await bucket.ServeAsync(_program);
        var lines = new StringBuilder();
        for (var i = 0; i < Count; i++)
        {
            lines.Append($$"""{"key":"key-{{i:D6}}","value":"value {{i}}"}""").Append('\n');
        }

        using (var body = new StringContent(lines.ToString(), Encoding.UTF8, "application/x-ndjson"))
        {
            using var answer = await source.Client.PostAsync("/bulk", body);
            answer.EnsureSuccessStatusCode();
        }

        var before = await source.Client.GetStringAsync("/bulk/range?limit=1000&reverse=true");
        await OkAsync("checkpoint", "create", "x", "--url", source.Url);
        await PutAsync(source, "key-000000", "the source's");
        Assert.Contains("clone-", await OkAsync(bucket, "checkpoint", "clone", "x", "--to", clone.Store));
        var taken = await bucket.RunAsync(_program, "checkpoint", "clone", "x", "--to", clone.Store);
        Assert.True(taken.ExitCode == 1 && taken.Error.Contains("is not empty", StringComparison.Ordinal), $"{taken}");

        // The source was not taken over, lets the checkpoint go, and cannot be made to let go of the pin.
        await OkAsync("checkpoint", "delete", "x", "--url", source.Url);
        using var list = JsonDocument.Parse(await OkAsync("checkpoint", "list", "--json", "--url", source.Url));
        var pin = Assert.Single(list.RootElement.GetProperty("checkpoints").EnumerateArray())
            .GetProperty("name").GetString()!;
        await OkAsync("gc", "--min-age", "0", "--url", source.Url);
        var refused = await _program.RunAsync("checkpoint", "delete", pin, "--url", source.Url);
        Assert.True(
            refused.ExitCode == 1 && refused.Error.Contains(clone.Store, StringComparison.Ordinal), $"{refused}");

        using (var other = await clone.ServeAsync(_program))
        {
            Assert.Equal(before, await other.Client.GetStringAsync("/bulk/range?limit=1000&reverse=true"));
            using var count = JsonDocument.Parse(await other.Client.GetStringAsync("/api/v1/count?prefix="));
            Assert.Equal(Count, count.RootElement.GetProperty("count").GetInt64());
            Assert.Equal("value 0", await other.Client.GetStringAsync("/kv/key-000000"));
            await PutAsync(other, "key-000001", "the clone's");
            Assert.Contains("borrowed_bytes", await other.Client.GetStringAsync("/api/v1/stat"));
            await other.KillAsync();
        }

        using var again = await clone.ServeAsync(_program);
        Assert.Equal("the clone's", await again.Client.GetStringAsync("/kv/key-000001"));
        Assert.Equal("value 1", await source.Client.GetStringAsync("/kv/key-000001"));
        Assert.Equal("the source's", await source.Client.GetStringAsync("/kv/key-000000"));
    }

    private static async Task PutAsync(ServerProcess server, string key, string value)
    {
        using var content = new StringContent(value);
        using var answer = await server.Client.PutAsync($"/kv/{key}?fsync=strict", content);
        Assert.True(answer.IsSuccessStatusCode, $"{answer}");
    }

    private async Task<string> OkAsync(params string[] arguments)
    {
        var result = await _program.RunAsync(arguments);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', arguments)}: {result}");
        return result.Output;
    }

    private async Task<string> OkAsync(TestBucket bucket, params string[] arguments)
    {
        var result = await bucket.RunAsync(_program, arguments);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', arguments)}: {result}");
        return result.Output;
    }
}
