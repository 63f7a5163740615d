using System.Diagnostics;
using Xunit.Abstractions;

namespace Dmt.EndToEnd.Tests;

/// <summary>
/// What was acknowledged survives SIGKILL, as the level of durability says. DMT_KILLS and DMT_SEED change how many
/// kills and which.
/// </summary>
public sealed class KillTests(ITestOutputHelper output)
{
    /// <summary>As many as a busy machine does in a minute or two; 100 in a longer run.</summary>
    private const int KillsDefault = 15;

    private const int Writers = 8;
    private const int Connections = 3;

    // Small memtables, so that kills hit flushes and compactions as well.
    private static readonly string[][] Settings =
    [
        [], ["--memtable-size", "64KiB", "--cache-size", "8MiB"],
        ["--memtable-size", "256KiB", "--cache-size", "8MiB", "--compression", "brotli"],
    ];

    // Syncs between which the kill of some rounds falls: a second, which default may lose, is longer than most rounds.
    private static readonly int[] SyncEvery = [20, 300, int.MaxValue];

    [Fact]
    public async Task Every_acknowledged_strict_put_survives_SIGKILL_at_random_moments()
    {
        var kills = Seed.Number("DMT_KILLS") ?? KillsDefault;
        var (seed, clock) = (Seed.Next(), Stopwatch.StartNew());
        output.WriteLine($"{Seed.Variable}={seed}");
        var random = new Random(seed);
        using var folder = new TempFolder();
        var program = new BuiltProgram(folder.Path);
        var writers = Enumerable.Range(0, Writers).Select(i => new StrictWriter(i, random.Next())).ToList();
        for (var round = 0; round <= kills; round++)
        {
            var context = $"after kill {round} ({Seed.Variable}={seed})";
            await KillAtStartAsync(program, random);
            using var server = await program.ServeAsync(Settings[random.Next(Settings.Length)]);
            var stored = await StoredEntries.ReadAsync(server.Client);
            writers.ForEach(writer => writer.Verify(stored, context));
            if (round < kills)
            {
                var kill = new KillSwitch(server, random.Next(1, 1000), TimeSpan.FromMilliseconds(random.Next(5)));
                await kill.RunAsync(writers.Select(Run));
            }

            Func<KillSwitch, Task> Run(StrictWriter writer) => kill => writer.WriteAsync(server.Client, kill);
        }

        Assert.All(writers, writer => Assert.NotEqual(0, writer.Acknowledged));
        output.WriteLine($"{kills} kills, {writers.Sum(w => w.Acknowledged)} acknowledged writes, "
            + $"{writers.Sum(w => w.TookEffectUnanswered)} took effect unanswered, {clock.Elapsed.TotalSeconds:F0} s");
    }

    [Fact]
    public async Task With_default_durability_what_survives_a_kill_is_a_prefix_of_what_was_acknowledged()
    {
        const int Kills = 10;
        var (seed, clock) = (Seed.Next(), Stopwatch.StartNew());
        output.WriteLine($"{Seed.Variable}={seed}");
        var random = new Random(seed);
        using var folder = new TempFolder();
        var program = new BuiltProgram(folder.Path);
        var writers = Enumerable.Range(0, Connections).Select(i => new SequenceWriter(i)).ToList();
        for (var round = 0; round <= Kills; round++)
        {
            var syncEvery = SyncEvery[round % SyncEvery.Length];
            using var server = await program.ServeAsync(Settings[random.Next(Settings.Length)]);
            var stored = await StoredEntries.ReadAsync(server.Client);
            writers.ForEach(writer => writer.Verify(stored, $"after kill {round} ({Seed.Variable}={seed})"));
            if (round < Kills)
            {
                var kill = new KillSwitch(server, random.Next(1, 2000), TimeSpan.FromMilliseconds(random.Next(5)));
                await kill.RunAsync(writers.Select(Run));
            }

            Func<KillSwitch, Task> Run(SequenceWriter writer) =>
                kill => writer.WriteAsync(new(server.Url), syncEvery, kill);
        }

        Assert.NotEqual(0, writers.Sum(writer => writer.Survived));
        output.WriteLine($"{Kills} kills, {writers.Sum(w => w.Survived)} acknowledged keys survived, "
            + $"{writers.Sum(w => w.Lost)} did not, {clock.Elapsed.TotalSeconds:F0} s");
    }

    /// <summary>Now and then a server is killed while it starts and recovers.</summary>
    private static async Task KillAtStartAsync(BuiltProgram program, Random random)
    {
        if (random.Next(8) != 0)
        {
            return;
        }

        using var process = Process.Start(program.StartInfo("serve", "--data", program.DataFolder, "--port", "0"))!;
        await Task.Delay(random.Next(100, 700));
        process.Kill();
        await process.WaitForExitAsync();
    }
}
