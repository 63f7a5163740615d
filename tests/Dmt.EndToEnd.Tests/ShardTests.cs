using System.Text.Json;

namespace Dmt.EndToEnd.Tests;

/// <summary>Shards by command, with the real program and a real dictionary.</summary>
[Trait("Needs", "wamerican-huge")]
public sealed class ShardTests : IDisposable
{
    private const string List = "/usr/share/dict/american-english-huge";
    private static readonly string[] Searches = ["", "a", "tr", "t"];
    private readonly TempFolder _folder = new();
    private readonly BuiltProgram _program;

    public ShardTests() => _program = new BuiltProgram(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Searches_answer_the_same_after_a_split_a_kill_and_a_merge()
    {
        string[] before;
        using (var server = await _program.ServeAsync())
        {
            await OkAsync("import", "words", List, "--url", server.Url);
            before = await SearchAsync(server);
            Assert.True(before[0].Length > 340_000 && before[2].Length > 1000, $"{before[0].Length} words");
            Assert.Contains("│ \"tr\" ", await OkAsync("shard", "split", "a", "b", "tr", "--url", server.Url));
            Assert.Equal(["", "a", "b", "tr"], (await ShardsAsync(server)).Select(static shard => shard.Prefix));
            Assert.Equal(before, await SearchAsync(server));

            // So that each shard has something that is in the log only when the process dies.
            foreach (var word in new[] { "a-split", "t-split", "tr-split" })
            {
                await OkAsync("put", word, "", "--fsync", "strict", "--url", server.Url);
            }

            before = await SearchAsync(server);
            Assert.Contains("\"tr-split\"", before[3], StringComparison.Ordinal);
            await server.KillAsync();
        }

        using var again = await _program.ServeAsync();
        Assert.Equal(before, await SearchAsync(again));
        var shards = await ShardsAsync(again);
        Assert.Equal(["", "a", "b", "tr"], shards.Select(static shard => shard.Prefix));
        foreach (var (number, _) in shards.Skip(1))
        {
            await OkAsync("shard", "merge", $"{number}", "--url", again.Url);
            Assert.Equal(before, await SearchAsync(again));
        }

        Assert.Equal([(1, "")], await ShardsAsync(again));
        Assert.Equal(0, await again.StopAsync(ServerProcess.SigTerm));
    }

    [Fact]
    public async Task A_server_cuts_the_store_that_it_makes_and_no_other()
    {
        using (var server = await _program.ServeAsync("--k-factor", "1"))
        {
            Assert.Equal(147, (await ShardsAsync(server)).Length);
            await OkAsync("put", "word", "1", "--fsync", "strict", "--url", server.Url);
            Assert.Equal(0, await server.StopAsync(ServerProcess.SigTerm));
        }

        using var again = await _program.ServeAsync("--k-factor", "2");
        Assert.Equal(147, (await ShardsAsync(again)).Length);
        Assert.Equal("1", await again.Client.GetStringAsync("/kv/word"));
    }

    /// <summary>All words with each of the prefixes, one a line.</summary>
    private static async Task<string[]> SearchAsync(ServerProcess server)
    {
        var answers = new string[Searches.Length];
        for (var i = 0; i < answers.Length; i++)
        {
            var pages = new List<string>();
            string? cursor = null;
            do
            {
                var more = cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}";
                using var page = JsonDocument.Parse(
                    await server.Client.GetStringAsync($"/search?q={Searches[i]}&limit=1000{more}"));
                pages.AddRange(page.RootElement.GetProperty("results").EnumerateArray().Select(w => w.GetRawText()));
                cursor = page.RootElement.TryGetProperty("cursor", out var next) ? next.GetString() : null;
            }
            while (cursor is not null);
            answers[i] = string.Join('\n', pages);
        }

        return answers;
    }

    private async Task<(int Number, string Prefix)[]> ShardsAsync(ServerProcess server)
    {
        using var list = JsonDocument.Parse(await OkAsync("shard", "list", "--json", "--url", server.Url));
        return
        [
            .. list.RootElement.GetProperty("shards").EnumerateArray().Select(static shard =>
                (shard.GetProperty("shard").GetInt32(),
                    (shard.TryGetProperty("prefix", out var text) ? text : shard.GetProperty("prefix_base64"))
                        .GetString()!)),
        ];
    }

    private async Task<string> OkAsync(params string[] arguments)
    {
        var result = await _program.RunAsync(arguments);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', arguments)}: {result}");
        return result.Output;
    }
}
