using System.Collections.Concurrent;
using System.Globalization;

namespace Dmt.Simulation;

/// <summary>Runs seeds, on as many threads as are sensible.</summary>
internal static class SimRunner
{
    private const int StackBytes = 16 << 20;

    /// <summary>A number in the environment; null where there is none.</summary>
    public static int? Setting(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : null;

    /// <summary>Each seed on one thread of its own kind: not of the pool, so that continuations run inline.</summary>
    public static List<SimResult> Run(IEnumerable<int> seeds, Func<int, SimResult> run, Func<SimResult, bool> isLast)
    {
        var left = new ConcurrentQueue<int>(seeds);
        var results = new ConcurrentQueue<SimResult>();
        var stop = false;
        var threads = Enumerable.Range(0, Math.Clamp(Environment.ProcessorCount, 1, 2))
            .Select(_ => new Thread(Work, StackBytes))
            .ToList();
        threads.ForEach(static thread => thread.Start());
        threads.ForEach(static thread => thread.Join());
        return [.. results];

        void Work()
        {
            while (!Volatile.Read(ref stop) && left.TryDequeue(out var seed))
            {
                var result = run(seed);
                results.Enqueue(result);
                if (isLast(result))
                {
                    Volatile.Write(ref stop, true);
                }
            }
        }
    }
}
