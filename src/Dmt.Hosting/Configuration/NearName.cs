namespace Dmt.Hosting.Configuration;

/// <summary>Finds what somebody who mistyped a name probably meant.</summary>
internal static class NearName
{
    /// <summary>
    /// The closest of <paramref name="known"/>, or null where none is close: a third of the letters may be wrong.
    /// </summary>
    public static string? Find(string given, IEnumerable<string> known)
    {
        string? best = null;
        var bestDistance = int.MaxValue;
        foreach (var name in known)
        {
            var distance = Distance(given, name);
            if (distance < bestDistance)
            {
                (best, bestDistance) = (name, distance);
            }
        }

        return best is not null && bestDistance <= Math.Max(1, Math.Min(given.Length, best.Length) / 3) ? best : null;
    }

    /// <summary>" (did you mean …?)" for the end of a message; empty where nothing is near.</summary>
    public static string Hint(string given, IEnumerable<string> known) =>
        Find(given, known) is { } near ? $" (did you mean {near}?)" : string.Empty;

    /// <summary>
    /// Insertions, deletions, replacements and swaps of neighbours between two names (optimal string alignment), letter
    /// case aside.
    /// </summary>
    private static int Distance(string a, string b)
    {
        var (before, previous, current) = (new int[b.Length + 1], new int[b.Length + 1], new int[b.Length + 1]);
        for (var j = 0; j <= b.Length; j++)
        {
            previous[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = previous[j - 1] + (Same(a[i - 1], b[j - 1]) ? 0 : 1);
                current[j] = Math.Min(replaced, 1 + Math.Min(previous[j], current[j - 1]));
                if (i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1]))
                {
                    current[j] = Math.Min(current[j], before[j - 2] + 1);
                }
            }

            (before, previous, current) = (previous, current, before);
        }

        return previous[b.Length];
    }

    private static bool Same(char a, char b) => char.ToLowerInvariant(a) == char.ToLowerInvariant(b);
}
