using System.Diagnostics;
using Xunit.Abstractions;

namespace Dmt.EndToEnd.Tests;

/// <summary>
/// Processes take one store in a bucket over from one another, while writers go on with whomever they have: whatever
/// was acknowledged, by whomever, is there. DMT_TAKEOVERS and DMT_SEED change how many rounds there are and which.
/// </summary>
[Trait("Needs", "s3")]
public sealed class TakeoverTests(ITestOutputHelper output)
{
    private const int WritersEach = 4;
    private const int SigStop = 19;
    private const int SigCont = 18;
    private static readonly TimeSpan TimeDefault = TimeSpan.FromSeconds(25);

    // Small memtables, so that takeovers hit flushes and compactions as well.
    private static readonly string[][] Settings = [[], ["--memtable-size", "64KiB", "--cache-size", "8MiB"]];

    private enum Fate
    {
        /// <summary>The owner goes on writing until it meets the fence.</summary>
        Goes,

        /// <summary>The owner is killed some time before, in or after the takeover.</summary>
        Killed,

        /// <summary>The owner is stopped in the middle of what it does, and wakes up as one of the past.</summary>
        Stalled,
    }

    [Fact]
    public async Task Nothing_acknowledged_by_either_process_is_lost_in_takeovers_at_random_moments()
    {
        var rounds = Seed.Number("DMT_TAKEOVERS");
        var (seed, clock) = (Seed.Next(), Stopwatch.StartNew());
        output.WriteLine($"{Seed.Variable}={seed}");
        var random = new Random(seed);
        using var folder = new TempFolder();
        var (bucket, program, fates) = (new TestBucket(), new BuiltProgram(folder.Path), new int[3]);
        var (took, after) = (TimeSpan.FromSeconds(1), 0);
        var writers = Enumerable.Range(0, WritersEach).Select(i => new StrictWriter(i, random.Next())).ToList();
        var owner = await bucket.ServeAsync(program);
        var round = 0;
        try
        {
            for (; rounds is { } most ? round < most : clock.Elapsed < TimeDefault; round++)
            {
                var fate = (Fate)random.Next(3);
                fates[(int)fate]++;
                var settings = Settings[random.Next(Settings.Length)];
                // Fate strikes while the successor starts, fences and replays, or when it is done.
                var moment = took * (1.5 * random.NextDouble());
                (var successor, took) = await TakeOverAsync(owner, fate, moment, random.Next(200), writers, () =>
                    bucket.ServeAsync(program, settings));
                after += moment > took ? 1 : 0;
                owner.Dispose();
                owner = successor;
                var stored = await StoredEntries.ReadAsync(owner.Client);
                var context = $"after round {round}, {fate} ({Seed.Variable}={seed})";
                writers.ForEach(writer => writer.Verify(stored, context));
            }
        }
        finally
        {
            owner.Dispose();
        }

        Assert.All(writers, writer => Assert.NotEqual(0, writer.Acknowledged));
        output.WriteLine(
            $"{round} takeovers ({fates[0]} from a living owner, {fates[1]} with a kill, {fates[2]} with a "
            + $"stall; {after} of these moments after the successor was ready), {writers.Sum(w => w.Acknowledged)} "
            + $"acknowledged writes, "
            + $"{writers.Sum(w => w.TookEffectUnanswered)} took effect unanswered, {clock.Elapsed.TotalSeconds:F0} s");
    }

    /// <summary>
    /// Returns the new owner, when no writer of the old one can be acknowledged any more and each has seen so.
    /// </summary>
    private static async Task<(ServerProcess Successor, TimeSpan Took)> TakeOverAsync(
        ServerProcess owner, Fate fate, TimeSpan moment, int beforeMs, List<StrictWriter> writers,
        Func<Task<ServerProcess>> serve)
    {
        var writing =
            Task.WhenAll(writers.Select(writer => Task.Run(() => writer.WriteUntilFencedAsync(owner.Client))));
        await Task.Delay(beforeMs);
        var clock = Stopwatch.StartNew();
        var starting = ReadyAsync();
        await Task.Delay(moment);
        if (fate == Fate.Killed)
        {
            await owner.KillAsync();
        }
        else if (fate == Fate.Stalled)
        {
            owner.Signal(SigStop);
        }

        var (successor, took) = await starting;
        try
        {
            if (fate == Fate.Stalled)
            {
                owner.Signal(SigCont);
            }

            // Each writer's next write after the takeover is refused: this returns.
            await writing.WaitAsync(TimeSpan.FromSeconds(60));
            return (successor, took);
        }
        catch
        {
            successor.Dispose();
            throw;
        }

        async Task<(ServerProcess Successor, TimeSpan Took)> ReadyAsync() => (await serve(), clock.Elapsed);
    }
}
