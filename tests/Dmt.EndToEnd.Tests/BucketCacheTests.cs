using System.Globalization;
using System.Text;
using System.Text.Json;
using Xunit.Abstractions;

namespace Dmt.EndToEnd.Tests;

/// <summary>A server on a bucket, with a cache in a folder.</summary>
[Trait("Needs", "s3")]
public sealed class BucketCacheTests(ITestOutputHelper output) : IDisposable
{
    private const int Keys = 50_000;
    private const int Gets = 200;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_process_killed_with_SIGKILL_leaves_a_warm_cache()
    {
        var (bucket, program) = (new TestBucket(), new BuiltProgram(_folder.Path));
        using (var writer = await bucket.ServeAsync(program))
        {
            await LoadAsync(writer);
            Assert.Equal(0, await writer.StopAsync(ServerProcess.SigTerm));
        }

        Assert.False(Directory.Exists(program.DataFolder));
        using (var cold = await ServeAsync(bucket, program))
        {
            var (requests, cache) = await ReadAsync(cold, "cold");
            Assert.NotEqual(0, requests);
            Assert.NotEqual(0, cache.GetProperty("misses").GetInt64());
            await cold.KillAsync();
        }

        using (var warm = await ServeAsync(bucket, program))
        {
            var (requests, cache) = await ReadAsync(warm, "warm");
            Assert.Equal(0, requests);
            Assert.Equal(0, cache.GetProperty("misses").GetInt64());
            Assert.Equal(0, cache.GetProperty("failures").GetInt64());
            Assert.NotEqual(0, cache.GetProperty("hits").GetInt64());
            Assert.Contains("\ndmt_disk_cache_hits_total ", await warm.Client.GetStringAsync("/metrics"),
                StringComparison.Ordinal);
            Assert.Equal(0, await warm.StopAsync(ServerProcess.SigTerm));
        }

        // Another store in the same bucket does not find it.
        using var other = await ServeAsync(new TestBucket(), program);
        using var count = JsonDocument.Parse(await other.Client.GetStringAsync("/api/v1/count?prefix="));
        Assert.Equal(0, count.RootElement.GetProperty("count").GetInt64());
    }

    [Fact]
    public async Task What_one_process_writes_a_restarted_one_reads_without_the_bucket_though_it_was_killed()
    {
        var (bucket, program) = (new TestBucket(), new BuiltProgram(_folder.Path));
        using (var writer = await ServeAsync(bucket, program))
        {
            await LoadAsync(writer);
            await writer.KillAsync();
        }

        using (var recovering = await ServeAsync(bucket, program))
        {
            Assert.Equal(0, await recovering.StopAsync(ServerProcess.SigTerm));
        }

        using var warm = await ServeAsync(bucket, program);
        var (requests, cache) = await ReadAsync(warm, "written through");
        Assert.Equal((0L, 0L), (requests, cache.GetProperty("misses").GetInt64()));
    }

    [Fact]
    public async Task The_folder_of_a_store_is_no_cache_and_stays_what_it_is()
    {
        var (bucket, program) = (new TestBucket(), new BuiltProgram(_folder.Path));
        using (var server = await program.ServeAsync())
        {
            using var content = new StringContent("1");
            (await server.Client.PutAsync("/kv/a?fsync=strict", content)).EnsureSuccessStatusCode();
            await server.KillAsync();
        }

        var start = bucket.Serve(program, "--data", program.DataFolder);
        var (exitCode, _, error) = await BuiltProgram.RunAsync(start);
        Assert.Equal(2, exitCode);
        Assert.Contains("holds a DMT store", Assert.Single(
            error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        using var again = await program.ServeAsync();
        Assert.Equal("1", await again.Client.GetStringAsync("/kv/a"));
    }

    private static Task<ServerProcess> ServeAsync(TestBucket bucket, BuiltProgram program) => bucket.ServeAsync(
        program, "--data", program.DataFolder, "--disk-cache-size", "64MiB", "--memtable-size", "1MiB");

    private static async Task LoadAsync(ServerProcess server)
    {
        var (lines, value) = (new StringBuilder(), new string('v', 100));
        for (var i = 0; i < Keys; i++)
        {
            lines.Append(CultureInfo.InvariantCulture, $$"""{"key":"key-{{i:D8}}","value":"{{i}}-{{value}}"}""");
            lines.Append('\n');
        }

        using var body = new StringContent(lines.ToString(), Encoding.UTF8, "application/x-ndjson");
        using var answer = await server.Client.PostAsync("/bulk", body);
        Assert.True(answer.IsSuccessStatusCode, $"{answer}");
        using var sync = await server.Client.PostAsync("/api/v1/sync", null);
        sync.EnsureSuccessStatusCode();
    }

    /// <summary>Some keys alone, then all.</summary>
    /// <returns>Ranged gets that it took, and the cache's figures since the start.</returns>
    private async Task<(long Requests, JsonElement Cache)> ReadAsync(ServerProcess server, string what)
    {
        var before = await RangedGetsAsync(server);
        var took = new List<double>();
        for (var i = 0; i < Gets; i++)
        {
            var key = i * (Keys / Gets);
            var clock = System.Diagnostics.Stopwatch.StartNew();
            var value = await server.Client.GetStringAsync($"/kv/key-{key:D8}");
            took.Add(clock.Elapsed.TotalMilliseconds);
            Assert.StartsWith($"{key}-v", value, StringComparison.Ordinal);
        }

        using var count = JsonDocument.Parse(await server.Client.GetStringAsync("/api/v1/count?prefix="));
        Assert.Equal(Keys, count.RootElement.GetProperty("count").GetInt64());
        using var stat = JsonDocument.Parse(await server.Client.GetStringAsync("/api/v1/stat"));
        var requests = await RangedGetsAsync(server) - before;
        var cache = stat.RootElement.GetProperty("disk_cache").Clone();
        took.Sort();
        output.WriteLine($"{what}: get p50 {took[Gets / 2]:F2} ms, {requests} ranged gets, cache {cache}");
        return (requests, cache);
    }

    private static async Task<long> RangedGetsAsync(ServerProcess server)
    {
        using var stat = JsonDocument.Parse(await server.Client.GetStringAsync("/api/v1/stat"));
        return stat.RootElement.GetProperty("requests").GetProperty("ranged_gets").GetInt64();
    }
}
