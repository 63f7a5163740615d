using System.Text.Json;
using Dmt.Cli.Bench;
using Dmt.Hosting;

namespace Dmt.Cli.Tests.Bench;

/// <summary>The whole command on a real store, with few keys.</summary>
public sealed class BenchCommandTests : IDisposable
{
    private static readonly string[] Few = ["--json", "--keys", "500"];

    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Json_is_one_object_with_a_property_for_each_workload()
    {
        var names = string.Join(',', WorkloadCatalog.All.Select(w => w.Name));

        var result = (await _cli.RunAsync(["bench", .. Few, "--workloads", names])).AssertOk();

        using var json = JsonDocument.Parse(Assert.Single(result.Lines));
        Assert.Equal(WorkloadCatalog.All.Select(w => w.Name), json.RootElement.EnumerateObject().Select(p => p.Name));
        foreach (var workload in json.RootElement.EnumerateObject())
        {
            foreach (var name in new[] { "ops_per_s", "p50_us", "p99_us", "p999_us", "ops", "seconds", "rss_bytes" })
            {
                Assert.True(workload.Value.GetProperty(name).GetDouble() > 0, $"{name} of {workload}");
            }

            Assert.True(workload.Value.GetProperty("write_amplification").GetDouble() >= 1, workload.Name);
            Assert.True(workload.Value.GetProperty("space_amplification").GetDouble() >= 1, workload.Name);
        }
    }

    [Theory]
    [InlineData("--threads", "3", "--workloads", "fillseq,overwrite,readrandom,scanall,ycsb-a,ycsb-d,ycsb-e,ycsb-f")]
    [InlineData("--key-bytes", "4", "--value-bytes", "0", "--workloads", "readrandom,readmissing,prefix10,fillsync")]
    [InlineData("--key-bytes", "40", "--value-bytes", "5000", "--compression", "brotli")]
    [InlineData("--block-size", "1KiB", "--cache-size", "8MiB", "--fsync", "every 10 operations")]
    [InlineData("--keys", "1")]
    [InlineData("--seed", "99", "--workloads", "fillsync,fillsync16,readrandom")]
    public async Task Other_shapes_run_and_every_read_is_right(params string[] arguments)
    {
        string[] few = arguments.Contains("--keys") ? ["--json"] : Few;

        (await _cli.RunAsync(["bench", .. few, .. arguments])).AssertOk();
    }

    [Fact]
    public async Task People_get_a_table_and_progress_goes_to_standard_error()
    {
        var result = (await _cli.RunAsync("bench", "--keys", "500", "--workloads", "fillrandom,readrandom")).AssertOk();

        Assert.Contains("readrandom", result.Text, StringComparison.Ordinal);
        Assert.Contains("p999 us", result.Text, StringComparison.Ordinal);
        Assert.Contains("dmt: readrandom: ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_kept_folder_can_be_read_by_a_later_run_but_only_when_it_says_so()
    {
        var folder = _cli.Folder.Combine("kept");
        (await _cli.RunAsync(["bench", .. Few, "--data", folder, "--workloads", "fillrandom"])).AssertOk();

        string[] existing = ["bench", .. Few, "--data", folder, "--use-existing"];
        (await _cli.RunAsync([.. existing, "--workloads", "readrandom,scanall"])).AssertOk();
        var refused = await _cli.RunAsync(["bench", .. Few, "--data", folder]);
        var otherKeys = await _cli.RunAsync([.. existing, "--seed", "2"]);

        Assert.Contains("--use-existing", refused.AssertFailed(ExitCodes.BadInput), StringComparison.Ordinal);
        Assert.Contains("--seed", otherKeys.AssertFailed(ExitCodes.BadInput), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_with_other_things_is_refused_and_left_alone()
    {
        var file = _cli.Folder.File("precious", "text");

        var result = await _cli.RunAsync(["bench", .. Few, "--data", _cli.Folder.Path]);

        Assert.Contains(_cli.Folder.Path, result.AssertFailed(ExitCodes.BadInput), StringComparison.Ordinal);
        Assert.Equal("text", await File.ReadAllTextAsync(file));
        Assert.False(File.Exists(_cli.Folder.Combine("LOCK")));
    }

    [Theory]
    [InlineData("--keys", "0")]
    [InlineData("--keys", "many")]
    [InlineData("--key-bytes", "3")]
    [InlineData("--key-bytes", "1025")]
    [InlineData("--value-bytes", "-1")]
    [InlineData("--threads", "0")]
    [InlineData("--workloads", "fillrandm")]
    [InlineData("--workloads", ",")]
    [InlineData("--fsync", "sometimes")]
    [InlineData("--cache-size", "much")]
    [InlineData("--cache-size", "1KiB")]
    [InlineData("--block-size", "1")]
    [InlineData("--compression", "zip")]
    public async Task A_bad_argument_is_one_line_that_names_the_flag(string flag, string value)
    {
        var result = await _cli.RunAsync("bench", flag, value);

        Assert.Contains(flag, result.AssertFailed(ExitCodes.BadInput), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Using_an_existing_folder_needs_its_name()
    {
        var result = await _cli.RunAsync("bench", "--use-existing");

        Assert.Contains("--data", result.AssertFailed(ExitCodes.BadInput), StringComparison.Ordinal);
    }
}
