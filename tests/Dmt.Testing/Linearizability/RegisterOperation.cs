using System.Globalization;

namespace Dmt.Testing.Linearizability;

/// <summary>What a client asked of a key.</summary>
public enum RegisterCall
{
    Get,
    Put,
    Delete,

    /// <summary>Writes a value if the key has another one, or none.</summary>
    CompareAndSet,
}

/// <summary>How a call ended.</summary>
public enum RegisterOutcome
{
    Ok,

    /// <summary>It certainly had no effect, and never will.</summary>
    Failed,

    /// <summary>It may take effect at any time after its start, or never.</summary>
    Unknown,

    /// <summary>Of a compare-and-set: the key had not what was expected.</summary>
    Refused,
}

/// <summary>A call on one key as its client saw it. Times come from one monotonic clock, in any unit.</summary>
/// <param name="Client">Who called; only for reports.</param>
/// <param name="Key">The register.</param>
/// <param name="Call">What was asked.</param>
/// <param name="Value">Of a get, what it gave; of a put or a compare-and-set, what was to be written. Null for none.
/// The checker is fastest where no two writes of a key have the same value.</param>
/// <param name="Expected">Of a compare-and-set, what the key must have; null for nothing.</param>
/// <param name="Start">When it was called.</param>
/// <param name="End">When it returned, at least <paramref name="Start"/>.</param>
/// <param name="Outcome">How it ended.</param>
public sealed record RegisterOperation(
    int Client,
    string Key,
    RegisterCall Call,
    string? Value,
    string? Expected,
    long Start,
    long End,
    RegisterOutcome Outcome)
{
    /// <summary>One line for people.</summary>
    public override string ToString()
    {
        var what = Call switch
        {
            RegisterCall.Get => $"get -> {(Outcome == RegisterOutcome.Ok ? Say(Value) : "?")}",
            RegisterCall.Put => $"put {Say(Value)}",
            RegisterCall.Delete => "delete",
            _ => $"compare-and-set {Say(Expected)} to {Say(Value)}",
        };
        var outcome = Outcome == RegisterOutcome.Ok ? "" : $" ({Outcome.ToString().ToLowerInvariant()})";
        var end = End == long.MaxValue ? "" : End.ToString(CultureInfo.InvariantCulture);
        return string.Create(CultureInfo.InvariantCulture, $"[{Start} .. {end}] client {Client}: {what}{outcome}");
    }

    internal static string Say(string? value) => value is null ? "nothing"
        : value.Length <= 40 ? $"\"{value}\""
        : $"\"{value.AsSpan(0, 37)}...\"";
}
