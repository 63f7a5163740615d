using System.Diagnostics;
using Xunit.Abstractions;

namespace Dmt.EndToEnd.Tests;

/// <summary>
/// The bucket's server is stopped under load and comes back. DMT_OUTAGE changes for how many seconds.
/// </summary>
[Trait("Needs", "s3")]
public sealed class OutageTests(ITestOutputHelper output)
{
    private const int SecondsDefault = 5;
    private const int Writers = 4;

    [Fact]
    public async Task Writes_wait_or_fail_while_the_bucket_is_away_and_service_resumes_by_itself()
    {
        var seconds = Seed.Number("DMT_OUTAGE") ?? SecondsDefault;
        using var folder = new TempFolder();
        var server = folder.Combine("s3");
        try
        {
            var bucket = new TestBucket((await ControlAsync("start", server)).Trim());
            var program = new BuiltProgram(folder.Path);
            var noted = new Dictionary<string, string>();
            string line;
            using (var dmt = await bucket.ServeAsync(program))
            {
                using var enough = new CancellationTokenSource();
                var writing = Enumerable.Range(0, Writers)
                    .Select(writer => Task.Run(() => WriteAsync(dmt.Client, writer, enough.Token))).ToList();
                await Task.Delay(TimeSpan.FromSeconds(1));
                await ControlAsync("stop", server);
                await Task.Delay(TimeSpan.FromSeconds(seconds));
                await ControlAsync("start", server);
                var clock = Stopwatch.StartNew();
                using var content = new StringContent("back");
                using var answer = await dmt.Client.PutAsync("/kv/back?fsync=strict", content);
                Assert.True(answer.IsSuccessStatusCode, $"{answer}: {await answer.Content.ReadAsStringAsync()}");
                line = $"{seconds} s away; a strict write took {clock.Elapsed.TotalSeconds:F1} s after the return";
                await enough.CancelAsync();
                foreach (var task in writing)
                {
                    var (acknowledged, refused, writer) = await task;
                    Assert.InRange(acknowledged, 2, int.MaxValue);
                    line += $"; writer {writer}: {acknowledged} acknowledged, {refused} refused";
                    for (var i = 0; i < acknowledged; i++)
                    {
                        noted[$"{writer}/{i:D6}"] = $"{i}";
                    }
                }

                await dmt.KillAsync();
            }

            output.WriteLine(line);
            using var again = await bucket.ServeAsync(program);
            var stored = await StoredEntries.ReadAsync(again.Client);
            Assert.All(noted, entry => Assert.Equal(entry.Value, stored.GetValueOrDefault(entry.Key)));
        }
        finally
        {
            await ControlAsync("stop", server);
        }
    }

    /// <summary>One strict write after the other; one that is refused is made again.</summary>
    private static async Task<(int Acknowledged, int Refused, int Writer)> WriteAsync(
        HttpClient client, int writer, CancellationToken enough)
    {
        var (acknowledged, refused) = (0, 0);
        while (!enough.IsCancellationRequested)
        {
            using var content = new StringContent($"{acknowledged}");
            using var answer = await client.PutAsync(
                $"/kv/{writer}%2F{acknowledged:D6}?fsync=strict", content, CancellationToken.None);
            if (answer.IsSuccessStatusCode)
            {
                acknowledged++;
                continue;
            }

            var problem = await answer.Content.ReadAsStringAsync(CancellationToken.None);
            Assert.Contains("\"kind\":\"Unavailable\"", problem, StringComparison.Ordinal);
            refused++;
        }

        return (acknowledged, refused, writer);
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
