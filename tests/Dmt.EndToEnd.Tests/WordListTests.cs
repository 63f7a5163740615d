using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Xunit.Abstractions;

namespace Dmt.EndToEnd.Tests;

/// <summary>
/// A real dictionary, imported over HTTP, is found by prefix exactly as <c>LC_ALL=C grep '^prefix'</c> finds it in the
/// list sorted by bytes. A string here holds one byte of UTF-8 in each char, so that ordinal order is the order of
/// bytes.
/// </summary>
[Trait("Needs", "wamerican-huge")]
public sealed class WordListTests(ITestOutputHelper output) : IDisposable
{
    private const string List = "/usr/share/dict/american-english-huge";
    private const int PageMax = 1000;
    private const int PagesMax = 400;
    private static readonly Encoding Bytes = Encoding.Latin1;
    private readonly TempFolder _folder = new();
    private readonly string[] _words = ReadWords();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_huge_word_list_is_searched_by_random_prefixes_as_grep_does_before_and_after_a_kill()
    {
        var (seed, clock) = (Seed.Next(), Stopwatch.StartNew());
        output.WriteLine($"{Seed.Variable}={seed}");
        var random = new Random(seed);
        var program = new BuiltProgram(_folder.Path);
        Assert.InRange(_words.Length, 340_000, int.MaxValue);
        using (var server = await program.ServeAsync())
        {
            var import = await program.RunAsync("import", "words", List, "--url", server.Url);
            Assert.True(import.ExitCode == 0, $"{import}");
            output.WriteLine($"{_words.Length} words imported in {clock.Elapsed.TotalSeconds:F1} s");
            await AssertCountAsync(server);
            await SearchAsync(server, random, 1000, seed);
            output.WriteLine($"searched after {clock.Elapsed.TotalSeconds:F1} s");
            await server.KillAsync();
        }

        using (var server = await program.ServeAsync())
        {
            await AssertCountAsync(server);
            await SearchAsync(server, random, 100, seed);
            Assert.Equal(0, await server.StopAsync(ServerProcess.SigTerm));
        }

        output.WriteLine($"all after {clock.Elapsed.TotalSeconds:F1} s");
    }

    [Fact]
    public async Task What_is_expected_of_a_search_is_what_grep_finds()
    {
        var seed = Seed.Next();
        var random = new Random(seed);
        var sorted = _folder.Combine("sorted");
        var sort = new ProcessStartInfo("sort", ["-u", "-o", sorted, List]);
        Assert.Equal(0, (await RunInCAsync(sort)).ExitCode);
        for (var i = 0; i < 10; i++)
        {
            var prefix = i == 0 ? "tria" : DrawPrefix(random);
            var pattern = string.Concat(prefix.Select(c => @".[]*^$\".Contains(c) ? $@"\{c}" : $"{c}"));
            var grep = await RunInCAsync(new ProcessStartInfo("grep", ["-a", "-e", "^" + pattern, sorted]));
            var found = grep.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.True(found.AsSpan().SequenceEqual(Expected(prefix)), $"\"{prefix}\" ({Seed.Variable}={seed})");
        }
    }

    private static string[] ReadWords() =>
        [.. File.ReadAllLines(List, Bytes).Distinct().Order(StringComparer.Ordinal)];

    private static string ToBytes(string text) => Bytes.GetString(Encoding.UTF8.GetBytes(text));

    private Task<(int ExitCode, string Output, string Error)> RunInCAsync(ProcessStartInfo start)
    {
        new BuiltProgram(_folder.Path).Isolated(start).Environment["LC_ALL"] = "C";
        start.StandardOutputEncoding = Bytes;
        return BuiltProgram.RunAsync(start);
    }

    private async Task AssertCountAsync(ServerProcess server)
    {
        using var count = JsonDocument.Parse(await server.Client.GetStringAsync("/api/v1/count?prefix="));
        Assert.Equal(_words.Length, count.RootElement.GetProperty("count").GetInt32());
    }

    private async Task SearchAsync(ServerProcess server, Random random, int prefixes, int seed)
    {
        await AssertFoundAsync(server, string.Empty, random, seed);
        await AssertFoundAsync(server, "tria", random, seed);
        for (var i = 0; i < prefixes; i++)
        {
            await AssertFoundAsync(server, DrawPrefix(random), random, seed);
        }
    }

    private async Task AssertFoundAsync(ServerProcess server, string prefix, Random random, int seed)
    {
        var expected = Expected(prefix).ToArray();
        var found = new List<string>(expected.Length);
        string? cursor = null;
        do
        {
            // Long answers in pages that are not too many.
            var limit = random.Next(Math.Min(1 + (expected.Length / PagesMax), PageMax), PageMax + 1);
            if (random.Next(2) == 0 && expected.Length < PagesMax)
            {
                limit = random.Next(1, expected.Length + 2);
            }

            var address = $"/search?q={Uri.EscapeDataString(prefix)}&limit={limit}";
            address += cursor is null ? string.Empty : $"&cursor={Uri.EscapeDataString(cursor)}";
            using var stream = await server.Client.GetStreamAsync(address);
            using var page = await JsonDocument.ParseAsync(stream);
            var results = page.RootElement.GetProperty("results");
            Assert.InRange(results.GetArrayLength(), 0, limit);
            found.AddRange(results.EnumerateArray().Select(word => ToBytes(word.GetString()!)));
            cursor = page.RootElement.TryGetProperty("cursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);

        Assert.True(
            found.SequenceEqual(expected, StringComparer.Ordinal),
            $"\"{prefix}\" ({Seed.Variable}={seed}): expected {expected.Length} words, found {found.Count}");
    }

    /// <summary>Mostly the beginning of a word, else random letters; seldom short, as answers get long.</summary>
    private string DrawPrefix(Random random)
    {
        var length = random.Next(200) switch { 0 => 0, < 5 => 1, var n => 2 + (n % 7) };
        if (random.Next(4) == 0)
        {
            return string.Create(length, random, static (letters, random) =>
            {
                foreach (ref var letter in letters)
                {
                    letter = (char)random.Next('a', 'z' + 1);
                }
            });
        }

        var word = Encoding.UTF8.GetString(Bytes.GetBytes(_words[random.Next(_words.Length)]));
        return word[..Math.Min(length, word.Length)];
    }

    /// <summary>The words that begin with a prefix, in the order of bytes.</summary>
    private ReadOnlySpan<string> Expected(string prefix)
    {
        var bytes = ToBytes(prefix);
        var start = Array.BinarySearch(_words, bytes, StringComparer.Ordinal);
        start = start < 0 ? ~start : start;
        var end = start;
        while (end < _words.Length && _words[end].StartsWith(bytes, StringComparison.Ordinal))
        {
            end++;
        }

        return _words.AsSpan(start, end - start);
    }
}
