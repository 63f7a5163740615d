using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Xunit.Abstractions;

namespace Dmt.EndToEnd.Tests;

/// <summary>
/// A server on a bucket alone: what it acknowledged is in the bucket, whatever becomes of its machine.
/// </summary>
[Trait("Needs", "s3")]
public sealed class BucketTests(ITestOutputHelper output) : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly TempFolder _otherFolder = new();

    public void Dispose()
    {
        _folder.Dispose();
        _otherFolder.Dispose();
    }

    [Fact]
    [Trait("Needs", "wamerican-huge")]
    public async Task The_huge_word_list_loads_into_a_bucket_and_survives_SIGKILL_and_the_loss_of_the_machine()
    {
        var words = File.ReadAllLines("/usr/share/dict/american-english-huge").Distinct().Count();
        var (bucket, program, clock) = (new TestBucket(), new BuiltProgram(_folder.Path), Stopwatch.StartNew());
        using (var server = await bucket.ServeAsync(program))
        {
            var import = await program.RunAsync(
                "import", "words", "/usr/share/dict/american-english-huge", "--url", server.Url);
            Assert.True(import.ExitCode == 0, $"{import}");
            output.WriteLine($"{words} words imported in {clock.Elapsed.TotalSeconds:F1} s");
            using var sync = await server.Client.PostAsync("/api/v1/sync", null);
            sync.EnsureSuccessStatusCode();
            await PutStrictAsync(server, "a-key-of-its-own", "one");
            await server.KillAsync();
        }

        using var other = await bucket.ServeAsync(new BuiltProgram(_otherFolder.Path));
        Assert.Equal(words + 1, await CountAsync(other));
        Assert.Equal("one", await other.Client.GetStringAsync("/kv/a-key-of-its-own"));
        Assert.Empty(Directory.GetFileSystemEntries(_otherFolder.Path));
    }

    [Fact]
    public async Task A_hundred_thousand_unflushed_writes_are_recovered_by_another_process()
    {
        const int Writes = 100_000;
        var bucket = new TestBucket();
        using (var server = await bucket.ServeAsync(new BuiltProgram(_folder.Path)))
        {
            var (lines, value) = (new StringBuilder(), new string('v', 100));
            for (var i = 0; i < Writes; i++)
            {
                lines.Append(CultureInfo.InvariantCulture, $$"""{"key":"key-{{i:D8}}","value":"{{value}}"}""");
                lines.Append('\n');
            }

            using var body = new StringContent(lines.ToString(), Encoding.UTF8, "application/x-ndjson");
            using var answer = await server.Client.PostAsync("/bulk", body);
            Assert.True(answer.IsSuccessStatusCode, $"{answer}");
            using var sync = await server.Client.PostAsync("/api/v1/sync", null);
            sync.EnsureSuccessStatusCode();
            using var stat = JsonDocument.Parse(await server.Client.GetStringAsync("/api/v1/stat"));
            Assert.Equal(0, stat.RootElement.GetProperty("levels").GetArrayLength());
            await server.KillAsync();
        }

        var clock = Stopwatch.StartNew();
        using var other = await bucket.ServeAsync(new BuiltProgram(_otherFolder.Path));
        output.WriteLine(
            $"{Writes} unflushed writes: ready {clock.Elapsed.TotalSeconds:F2} s after the start of the process");
        Assert.Equal(Writes, await CountAsync(other));
    }

    /// <summary>Each a batch of its own or of few: DMT_RECOVERY writes, of DMT_RECOVERY_WRITERS.</summary>
    [Fact]
    public async Task Unflushed_strict_writes_are_recovered_by_another_process()
    {
        var writes = Seed.Number("DMT_RECOVERY") ?? 5000;
        var writers = Seed.Number("DMT_RECOVERY_WRITERS") ?? 64;
        var (bucket, uploads, clock) = (new TestBucket(), 0L, Stopwatch.StartNew());
        using (var server = await bucket.ServeAsync(new BuiltProgram(_folder.Path)))
        {
            var before = await ConditionalPutsAsync(server);
            var next = 0;
            await Task.WhenAll(Enumerable.Range(0, writers).Select(async _ =>
            {
                while (Interlocked.Increment(ref next) is var i && i <= writes)
                {
                    await PutStrictAsync(server, $"key-{i:D8}", new string('v', 100));
                }
            }));
            uploads = await ConditionalPutsAsync(server) - before;
            await server.KillAsync();
        }

        output.WriteLine(
            $"{writes} strict writes of {writers} writers in {uploads} uploads, {clock.Elapsed.TotalSeconds:F1} s");
        clock.Restart();
        using var other = await bucket.ServeAsync(new BuiltProgram(_otherFolder.Path));
        output.WriteLine($"ready {clock.Elapsed.TotalSeconds:F2} s after the start of the process");
        Assert.Equal(writes, await CountAsync(other));
    }

    [Fact]
    public async Task The_fenced_process_refuses_its_next_strict_write_and_then_reads_and_says_so()
    {
        var (bucket, program) = (new TestBucket(), new BuiltProgram(_folder.Path));
        using var first = await bucket.ServeAsync(program);
        await PutStrictAsync(first, "a", "1");
        using var second = await bucket.ServeAsync(program);
        Assert.Equal("1", await second.Client.GetStringAsync("/kv/a"));

        await AssertFencedAsync(await first.Client.PutAsync("/kv/a?fsync=strict", new StringContent("2")));
        await AssertFencedAsync(await first.Client.GetAsync("/kv/a"));
        Assert.Contains(
            "fenced: ", await AssertFencedAsync(await first.Client.GetAsync("/readyz")), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await first.Client.GetAsync("/healthz")).StatusCode);
        await PutStrictAsync(second, "a", "3");

        await first.KillAsync();
        var line =
            Assert.Single((await first.Errors).Split('\n'), l => l.Contains("fenced: ", StringComparison.Ordinal));
        Assert.Contains("restarted", line, StringComparison.Ordinal);
        using var again = await bucket.ServeAsync(program);
        Assert.Equal("3", await again.Client.GetStringAsync("/kv/a"));
        await AssertFencedAsync(await second.Client.PutAsync("/kv/a?fsync=strict", new StringContent("4")));
    }

    [Fact]
    public async Task Strict_puts_of_64_writers_share_uploads()
    {
        const int Writers = 64;
        const int PutsEach = 50;
        var bucket = new TestBucket();
        using var server = await bucket.ServeAsync(new BuiltProgram(_folder.Path));
        var before = await ConditionalPutsAsync(server);
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            for (var i = 0; i < PutsEach; i++)
            {
                await PutStrictAsync(server, $"{writer}-{i}", "value");
            }
        }));
        var uploads = await ConditionalPutsAsync(server) - before;
        output.WriteLine($"{Writers * PutsEach} strict puts in {uploads} uploads: "
            + $"{(double)Writers * PutsEach / uploads:F1} an upload");
        Assert.InRange(uploads, 1, Writers * PutsEach / 2); // On a busy machine fewer of them write at the same time.
    }

    private static async Task<long> ConditionalPutsAsync(ServerProcess server)
    {
        using var stat = JsonDocument.Parse(await server.Client.GetStringAsync("/api/v1/stat"));
        return stat.RootElement.GetProperty("requests").GetProperty("conditional_puts").GetInt64();
    }

    private static async Task PutStrictAsync(ServerProcess server, string key, string value)
    {
        using var content = new StringContent(value);
        using var answer = await server.Client.PutAsync($"/kv/{key}?fsync=strict", content);
        Assert.True(answer.IsSuccessStatusCode, $"{answer}");
    }

    private static async Task<string> AssertFencedAsync(HttpResponseMessage answer)
    {
        var body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.ServiceUnavailable, $"{answer.StatusCode}: {body}");
        using var problem = JsonDocument.Parse(body);
        Assert.Equal("Fenced", problem.RootElement.GetProperty("kind").GetString());
        return problem.RootElement.GetProperty("detail").GetString()!;
    }

    private static async Task<long> CountAsync(ServerProcess server)
    {
        using var count = JsonDocument.Parse(await server.Client.GetStringAsync("/api/v1/count?prefix="));
        return count.RootElement.GetProperty("count").GetInt64();
    }
}
