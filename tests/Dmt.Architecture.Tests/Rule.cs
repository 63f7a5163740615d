namespace Dmt.Architecture.Tests;

/// <summary>How a rule fails: with the rule, the reason for it, and every place that breaks it.</summary>
internal static class Rule
{
    private const int ShownMax = 50;

    public static void Holds(string rule, string reason, IEnumerable<string> violations)
    {
        var all = violations.ToList();
        if (all.Count > 0)
        {
            var shown = string.Join('\n', all.Take(ShownMax).Select(v => "  " + v));
            var more = all.Count > ShownMax ? $"\n  and {all.Count - ShownMax} more" : "";
            Assert.Fail($"{rule}\nWhy: {reason}\nBroken at:\n{shown}{more}");
        }
    }
}
