// Is there an order of all calls that explains what each gave, in which none comes before one that had ended when it
// began? Keys are registers of their own, and a history is linearizable if it is so for each key (Herlihy and Wing,
// 1990, locality), so they are searched one by one: RegisterSearch.cs.
using System.Globalization;
using System.Text;

namespace Dmt.Testing.Linearizability;

/// <summary>Checks histories of keys that are empty at first.</summary>
public static class LinearizabilityChecker
{
    private const int StatesMaxByDefault = 2_000_000;
    private const int StatesOfReport = 100_000;
    private const int ExcerptBefore = 8;
    private const int ExcerptMost = 24;

    /// <summary>Looks for an order that explains the history.</summary>
    /// <param name="history">Calls in any order.</param>
    /// <param name="statesMax">How many states of a key to look at before giving up; a million take seconds.</param>
    /// <exception cref="ArgumentException">A call that makes no sense: it ended before it began, or was refused though
    /// it had no condition.</exception>
    public static LinearizabilityResult Check(
        IEnumerable<RegisterOperation> history, int statesMax = StatesMaxByDefault)
    {
        var undecided = new List<string>();
        var (operations, keys, states) = (0, 0, 0L);
        var byKey = history.GroupBy(static one => one.Key).OrderBy(static one => one.Key, StringComparer.Ordinal);
        foreach (var key in byKey)
        {
            var calls = key.OrderBy(static one => one.Start).ThenBy(static one => one.End).ToList();
            calls.ForEach(Validate);
            (operations, keys) = (operations + calls.Count, keys + 1);
            if (FindUnwritten(calls) is { } unwritten)
            {
                return new LinearizabilityResult(LinearizabilityVerdict.Violated, unwritten, keys, operations, states);
            }

            var search = new RegisterSearch(calls, statesMax);
            var found = search.Run();
            states += search.States;
            if (found == false)
            {
                var plain = new RegisterSearch(calls, Math.Min(statesMax, StatesOfReport), looksAhead: false);
                var report = Report(key.Key, calls, plain.Run() == false ? plain : search);
                return new LinearizabilityResult(LinearizabilityVerdict.Violated, report, keys, operations, states);
            }

            if (found is null)
            {
                undecided.Add(key.Key);
            }
        }

        return undecided.Count == 0
            ? new LinearizabilityResult(LinearizabilityVerdict.Linearizable, null, keys, operations, states)
            : new LinearizabilityResult(
                LinearizabilityVerdict.Undecided,
                $"given up after {statesMax} states each: {string.Join(", ", undecided)}", keys, operations, states);
    }

    private static void Validate(RegisterOperation call)
    {
        if (call.End < call.Start)
        {
            throw new ArgumentException($"it ends before it starts: {call}");
        }

        if (call.Outcome == RegisterOutcome.Refused && call.Call != RegisterCall.CompareAndSet)
        {
            throw new ArgumentException($"only a compare-and-set can be refused: {call}");
        }
    }

    /// <summary>The plainest violation: somebody saw what nobody wrote, or what had not been asked for yet.</summary>
    private static string? FindUnwritten(List<RegisterOperation> calls)
    {
        var writers = calls
            .Where(static one => one.Call is RegisterCall.Put or RegisterCall.CompareAndSet && one.Value is not null)
            .ToLookup(static one => one.Value!);
        foreach (var call in calls.Where(static one => one.Outcome == RegisterOutcome.Ok))
        {
            var seen = call.Call switch
            {
                RegisterCall.Get => call.Value,
                RegisterCall.CompareAndSet => call.Expected,
                _ => null,
            };
            if (seen is null || writers[seen].Any(one => IsEffective(one) && one.Start <= call.End))
            {
                continue;
            }

            var text = new StringBuilder(
                $"key \"{call.Key}\": a value was seen that nobody can have written\n> {call}");
            foreach (var writer in writers[seen].Take(ExcerptMost))
            {
                var why = IsEffective(writer) ? "it began later" : "it had no effect";
                text.Append(CultureInfo.InvariantCulture, $"\n  {writer}: {why}");
            }

            return text.ToString();
        }

        return null;

        static bool IsEffective(RegisterOperation write) =>
            write.Outcome is RegisterOutcome.Ok or RegisterOutcome.Unknown;
    }

    /// <summary>What went on around the place where the search got stuck.</summary>
    private static string Report(string key, List<RegisterOperation> calls, RegisterSearch search)
    {
        var (explained, stuck) = search.Furthest;
        var known = explained.Count(static one => one.Outcome != RegisterOutcome.Unknown);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"key \"{key}\" is not linearizable: no order explains ")
            .Append(CultureInfo.InvariantCulture, $"more than {known} of {search.Required} calls; these were ")
            .Append("in order (the last of them):");
        foreach (var call in explained.Skip(Math.Max(0, explained.Count - ExcerptBefore)))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n  {call}");
        }

        text.Append("\nand then none of these can be next (> must be before the others end):");
        var first = stuck.MinBy(static one => one.End);
        foreach (var call in stuck.Take(ExcerptMost))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{(call == first ? '>' : ' ')} {call}");
        }

        var unknown = calls
            .Where(one => one is { Outcome: RegisterOutcome.Unknown, Call: not RegisterCall.Get }
                && one.Start <= (first?.End ?? long.MaxValue))
            .ToList();
        if (unknown.Count > 0)
        {
            text.Append("\nnot even with one of those whose outcome is unknown (the last of them):");
            foreach (var call in unknown.Skip(Math.Max(0, unknown.Count - ExcerptBefore)))
            {
                text.Append(CultureInfo.InvariantCulture, $"\n  {call}");
            }
        }

        return text.ToString();
    }
}

/// <summary>What a check came to.</summary>
public enum LinearizabilityVerdict
{
    Linearizable,
    Violated,

    /// <summary>The search was given up: it takes more states, or fewer clients on one key.</summary>
    Undecided,
}

/// <summary>What a check came to, and how.</summary>
/// <param name="Verdict">The answer.</param>
/// <param name="Report">For people; null when all is well.</param>
/// <param name="Keys">How many were searched.</param>
/// <param name="Operations">How many they had.</param>
/// <param name="States">How many states were looked at.</param>
public sealed record LinearizabilityResult(
    LinearizabilityVerdict Verdict, string? Report, int Keys, int Operations, long States);
