using System.Text;
using Dmt.Core;

namespace Dmt.Simulation;

/// <summary>
/// All that a node has in its store, as the checks know it: every operation by sequence number, and what they amount
/// to. Each node has its own, since a node that was taken over goes on writing for a while.
/// </summary>
internal sealed class SimHistory
{
    private readonly List<SimOperation> _operations = [];
    private readonly HashSet<string> _requests = [];

    private SimHistory()
    {
    }

    /// <summary>The sequence number of the last operation.</summary>
    public ulong Last => (ulong)_operations.Count;

    /// <summary>What can be read: keys, with values and versions.</summary>
    public SortedDictionary<string, SimEntry> State { get; } = new(StringComparer.Ordinal);

    public static SimHistory Empty => new();

    public SimOperation this[ulong sequence] => _operations[(int)sequence - 1];

    /// <summary>The first operations of this one.</summary>
    public SimHistory Prefix(ulong last)
    {
        var prefix = new SimHistory();
        foreach (var operation in _operations.Take((int)last))
        {
            prefix.Add(operation);
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
            Add(new SimOperation(WriteOperationKind.Request, request, null));
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
        Add(new SimOperation(
            operation.Kind, key, operation.HasNoEnd ? null : Encoding.ASCII.GetString(operation.Value)));
        return holds ? null : $"{key} was written though its condition {condition.Kind} did not hold";
    }

    private void Add(SimOperation operation)
    {
        _operations.Add(operation);
        switch (operation.Kind)
        {
            case WriteOperationKind.Put:
                State[operation.Key] = new SimEntry(operation.Value!, Last);
                break;
            case WriteOperationKind.Delete:
                State.Remove(operation.Key);
                break;
            case WriteOperationKind.Request:
                _requests.Add(operation.Key);
                break;
            default:
                foreach (var key in State.Keys.Where(key => IsIn(key, operation.Key, operation.Value)).ToList())
                {
                    State.Remove(key);
                }

                break;
        }
    }

    /// <summary>What a scan of a range must give now.</summary>
    public List<KeyValuePair<string, SimEntry>> Range(string start, string? end) =>
        [.. State.Where(pair => IsIn(pair.Key, start, end))];

    private static bool IsIn(string key, string start, string? end) =>
        string.CompareOrdinal(key, start) >= 0 && (end is null || string.CompareOrdinal(key, end) < 0);
}

/// <summary>An operation. The value is a range's end, null for none.</summary>
internal readonly record struct SimOperation(WriteOperationKind Kind, string Key, string? Value);

/// <summary>What a key has.</summary>
internal readonly record struct SimEntry(string Value, ulong Version);
