namespace Dmt.Cli.Terminal;

/// <summary>Finds what somebody who mistyped a name probably meant.</summary>
internal static class NearName
{
    /// <summary>The closest of <paramref name="known"/>, or null where none is close: a third of the letters may be wrong.</summary>
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

    /// <summary>Insertions, deletions and replacements between two names (Levenshtein), letter case aside.</summary>
    private static int Distance(string a, string b)
    {
        var row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            row[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = diagonal + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, 1 + Math.Min(row[j], row[j - 1]));
            }
        }

        return row[b.Length];
    }
}
