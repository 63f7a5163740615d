using System.Text;
using Dmt.Core;

namespace Dmt.Simulation;

/// <summary>
/// All that an owner has in its shard, as the checks know it: every operation by sequence number, what was carved out
/// and merged in, and what it all amounts to. Each owner has its own, since one that was taken over goes on writing for
/// a while.
/// </summary>
internal sealed class SimHistory
{
    private readonly List<Step> _steps = [];
    private readonly HashSet<string> _requests = [];

    private SimHistory()
    {
    }

    /// <summary>The sequence number of the last operation.</summary>
    public ulong Last { get; private set; }

    /// <summary>What can be read: keys, with values and versions.</summary>
    public SortedDictionary<string, SimEntry> State { get; } = new(StringComparer.Ordinal);

    public static SimHistory Empty => new();

    /// <summary>What an owner began with.</summary>
    public static SimHistory Of(IEnumerable<KeyValuePair<string, SimEntry>> entries, ulong last)
    {
        var history = new SimHistory();
        history.Add(new Step(last, null, null, [.. entries]));
        return history;
    }

    /// <summary>The operation of that number; null where there is none.</summary>
    public SimOperation? this[ulong sequence] =>
        _steps.FindLast(step => step.Sequence == sequence && step.Operation is not null).Operation;

    /// <summary>The first operations of this one, up to a sequence number; carved and merged as this one.</summary>
    public SimHistory Prefix(ulong last)
    {
        var prefix = new SimHistory();
        foreach (var step in _steps.Where(step => step.Operation is null || step.Sequence <= last))
        {
            prefix.Add(step);
        }

        return prefix;
    }

    /// <summary>Adds an operation as it went into the log.</summary>
    /// <returns>Why that was wrong; null when it was right.</returns>
    public string? Add(in WriteOperation operation)
    {
        if (operation.Kind == WriteOperationKind.Request)
        {
            var request = operation.Request.ToString();
            var isNew = !_requests.Contains(request);
            Add(new Step(Last + 1, new SimOperation(WriteOperationKind.Request, request, null), null, null));
            return isNew ? null : $"{request} was applied twice";
        }

        var key = Encoding.ASCII.GetString(operation.Key);
        var has = State.TryGetValue(key, out var current);
        var condition = operation.Condition;
        var holds = condition.Kind switch
        {
            WriteCondition.Kinds.None => true,
            WriteCondition.Kinds.Absent => !has,
            WriteCondition.Kinds.Present => has,
            _ => has && current.Version == condition.Version,
        };
        var value = operation.HasNoEnd ? null : Encoding.ASCII.GetString(operation.Value);
        Add(new Step(Last + 1, new SimOperation(operation.Kind, key, value), null, null));
        return holds ? null : $"{key} was written though its condition {condition.Kind} did not hold";
    }

    /// <summary>What is under the prefix is another's from now on.</summary>
    public void Carve(string prefix) => Add(new Step(0, null, prefix, null));

    /// <summary>What another had is here from now on, and has a sequence number of its own behind both.</summary>
    public void Merge(IEnumerable<KeyValuePair<string, SimEntry>> entries, ulong last) =>
        Add(new Step(Math.Max(Last, last) + 1, null, null, [.. entries]));

    /// <summary>What a scan of a range must give now.</summary>
    public List<KeyValuePair<string, SimEntry>> Range(string start, string? end) =>
        [.. State.Where(pair => IsIn(pair.Key, start, end))];

    /// <summary>What is under a prefix now.</summary>
    public List<KeyValuePair<string, SimEntry>> Under(string prefix) =>
        [.. State.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal))];

    private void Add(Step step)
    {
        _steps.Add(step);
        Last = step.Sequence > Last ? step.Sequence : Last;
        foreach (var (key, entry) in step.Merged ?? [])
        {
            State[key] = entry;
        }

        if (step.Carved is { } prefix)
        {
            Under(prefix).ForEach(pair => State.Remove(pair.Key));
        }

        switch (step.Operation)
        {
            case { Kind: WriteOperationKind.Put } put:
                State[put.Key] = new SimEntry(put.Value!, Last);
                break;
            case { Kind: WriteOperationKind.Delete } delete:
                State.Remove(delete.Key);
                break;
            case { Kind: WriteOperationKind.Request } request:
                _requests.Add(request.Key);
                break;
            case { } range:
                Range(range.Key, range.Value).ForEach(pair => State.Remove(pair.Key));
                break;
        }
    }

    private static bool IsIn(string key, string start, string? end) =>
        string.CompareOrdinal(key, start) >= 0 && (end is null || string.CompareOrdinal(key, end) < 0);

    /// <summary>One thing that happened. What a carve took and a merge brought is there whatever is lost.</summary>
    private readonly record struct Step(
        ulong Sequence, SimOperation? Operation, string? Carved, KeyValuePair<string, SimEntry>[]? Merged);
}

/// <summary>An operation. The value is a range's end, null for none.</summary>
internal readonly record struct SimOperation(WriteOperationKind Kind, string Key, string? Value);

/// <summary>What a key has.</summary>
internal readonly record struct SimEntry(string Value, ulong Version);
