using System.Diagnostics;
using System.Net;
using Xunit.Abstractions;

namespace Dmt.EndToEnd.Tests;

/// <summary>
/// The bucket's server is stopped under load and comes back. DMT_OUTAGE changes for how many seconds, and
/// DMT_OUTAGE_WRITERS how many write meanwhile, as fast as they can.
/// </summary>
[Trait("Needs", "s3")]
public sealed class OutageTests(ITestOutputHelper output)
{
    private const int SecondsDefault = 5;
    private const int WritersDefault = 16;

    // Acknowledged writes at which the server is stopped, and further ones at which the load ends.
    private const int WritesBefore = 1000;
    private const int WritesAfter = 1000;

    private enum Phase
    {
        Before,
        During,
        After,
    }

    [Fact]
    public async Task Writes_wait_or_fail_while_the_bucket_is_away_and_service_resumes_by_itself()
    {
        var seconds = Seed.Number("DMT_OUTAGE") ?? SecondsDefault;
        var writers = Seed.Number("DMT_OUTAGE_WRITERS") ?? WritersDefault;
        using var folder = new TempFolder();
        var server = folder.Combine("s3");
        try
        {
            var bucket = new TestBucket((await ControlAsync("start", server)).Trim());
            var program = new BuiltProgram(folder.Path);
            var load = new OutageLoad();
            using (var dmt = await bucket.ServeAsync(program))
            {
                // One writer in four does not wait for the bucket, until the log has no room left.
                load.Start(dmt.Client, writers, strict: writer => writer % 4 != 0);
                await load.AcknowledgedAsync(WritesBefore);
                load.Phase = (int)Phase.During;
                await ControlAsync("stop", server);
                await Task.Delay(TimeSpan.FromSeconds(seconds));
                await ControlAsync("start", server);
                load.Phase = (int)Phase.After;
                var clock = Stopwatch.StartNew();
                await PutUntilTakenAsync(dmt.Client);
                var resumed = clock.Elapsed;
                await load.AcknowledgedAsync(WritesAfter);
                await load.StopAsync();
                using var sync = await dmt.Client.PostAsync("/api/v1/sync", null);
                sync.EnsureSuccessStatusCode();
                await dmt.KillAsync();
                output.WriteLine(
                    $"{seconds} s away, {writers} writers; a strict write took {resumed.TotalSeconds:F1} s after the "
                    + $"return\n{load}");
            }

            using var again = await bucket.ServeAsync(program);
            var stored = await StoredEntries.ReadAsync(again.Client);
            load.Check(stored);
        }
        finally
        {
            await ControlAsync("stop", server);
        }
    }

    /// <summary>Refused as long as the log is full, with the advice to come again, which this follows.</summary>
    private static async Task PutUntilTakenAsync(HttpClient client)
    {
        while (true)
        {
            using var content = new StringContent("back");
            using var answer = await client.PutAsync("/kv/back?fsync=strict", content);
            if (answer.IsSuccessStatusCode)
            {
                return;
            }

            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            await Task.Delay(answer.Headers.RetryAfter!.Delta!.Value);
        }
    }

    private static async Task<string> ControlAsync(string action, string folder)
    {
        var script = Path.Combine(Path.GetDirectoryName(Checkout.Dmt)!, "eng", "s3-server");
        using var process = Process.Start(new ProcessStartInfo(script, [action, folder])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var said = process.StandardOutput.ReadLineAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return await said ?? "";
    }
}
