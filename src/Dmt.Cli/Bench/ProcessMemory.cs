using System.Globalization;

namespace Dmt.Cli.Bench;

/// <summary>This process's resident memory as Linux counts it, in bytes.</summary>
/// <param name="Anonymous">
/// Heap, native memory and stacks: what belongs to this process alone, mapped files left out.
/// </param>
/// <param name="Resident">All of it, mapped files included.</param>
/// <param name="Peak">The most that was ever resident.</param>
internal readonly record struct ProcessMemory(long Anonymous, long Resident, long Peak)
{
    private const string StatusFile = "/proc/self/status";

    /// <summary>As it is now. Without /proc the working set stands for all three.</summary>
    public static ProcessMemory Read()
    {
        if (!File.Exists(StatusFile))
        {
            var workingSet = Environment.WorkingSet;
            return new(workingSet, workingSet, workingSet);
        }

        var lines = File.ReadAllLines(StatusFile);
        return new(Bytes(lines, "RssAnon:"), Bytes(lines, "VmRSS:"), Bytes(lines, "VmHWM:"));
    }

    private static long Bytes(string[] lines, string name)
    {
        var line = lines.First(l => l.StartsWith(name, StringComparison.Ordinal));
        var kib = line[name.Length..].Trim().Split(' ')[0];
        return long.Parse(kib, CultureInfo.InvariantCulture) * 1024;
    }
}
