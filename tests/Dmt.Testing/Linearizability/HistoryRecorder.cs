using System.Collections.Concurrent;
using System.Diagnostics;
using Dmt.Core;

namespace Dmt.Testing.Linearizability;

/// <summary>
/// Takes down what clients do while they do it. Safe for concurrent use; costs an allocation and two looks at the clock
/// for each call.
/// </summary>
/// <param name="clock">A monotonic clock; the stopwatch's by default.</param>
public sealed class HistoryRecorder(Func<long>? clock = null)
{
    private readonly Func<long> _clock = clock ?? Stopwatch.GetTimestamp;
    private readonly ConcurrentQueue<RecordedCall> _calls = new();

    /// <summary>A call is about to be made. Whoever never says how it ended leaves it unknown.</summary>
    /// <param name="client">Who calls.</param>
    /// <param name="key">The key.</param>
    /// <param name="call">What is asked.</param>
    /// <param name="value">Of a put or a compare-and-set, what is to be written.</param>
    /// <param name="expected">Of a compare-and-set, what the key must have; null for nothing.</param>
    public RecordedCall Begin(
        int client, string key, RegisterCall call, string? value = null, string? expected = null)
    {
        var recorded = new RecordedCall(
            _clock, new RegisterOperation(client, key, call, value, expected, 0, 0, RegisterOutcome.Unknown));
        _calls.Enqueue(recorded);
        recorded.Start();
        return recorded;
    }

    /// <summary>Calls so far, those that have not ended included.</summary>
    public int Count => _calls.Count;

    /// <summary>All calls so far; those that have not ended are unknown.</summary>
    public IReadOnlyList<RegisterOperation> ToHistory() => [.. _calls.Select(static call => call.ToOperation())];

    /// <summary>
    /// What is known of a write that failed: an argument, a condition or an owner that was refused changed nothing;
    /// after everything else it may be there, or come to be.
    /// </summary>
    public static RegisterOutcome OutcomeOf(Exception error) => (error as DmtException)?.Kind switch
    {
        DmtErrorKind.Conflict => RegisterOutcome.Refused,
        DmtErrorKind.InvalidArgument or DmtErrorKind.TooLarge or DmtErrorKind.NotOwner => RegisterOutcome.Failed,
        _ => RegisterOutcome.Unknown,
    };
}

/// <summary>A call under way. Its end is told once, by one thread.</summary>
public sealed class RecordedCall
{
    private readonly Func<long> _clock;
    private readonly RegisterOperation _asked;
    private RegisterOperation? _ended;
    private long _start;

    internal RecordedCall(Func<long> clock, RegisterOperation asked) => (_clock, _asked) = (clock, asked);

    /// <summary>It did what was asked.</summary>
    public void Ok() => End(_asked.Value, RegisterOutcome.Ok);

    /// <summary>A get gave this; null for nothing.</summary>
    public void Ok(string? read) => End(read, RegisterOutcome.Ok);

    /// <summary>It ended otherwise: see <see cref="HistoryRecorder.OutcomeOf"/>.</summary>
    public void Not(RegisterOutcome outcome) => End(_asked.Value, outcome);

    internal void Start() => Volatile.Write(ref _start, _clock());

    internal RegisterOperation ToOperation() => Volatile.Read(ref _ended)
        ?? _asked with { Start = Volatile.Read(ref _start), End = long.MaxValue };

    private void End(string? value, RegisterOutcome outcome)
    {
        var now = _clock();
        var ended = _asked with { Value = value, Start = _start, End = now, Outcome = outcome };
        if (Interlocked.CompareExchange(ref _ended, ended, null) is { } before)
        {
            throw new InvalidOperationException($"the call has ended already: {before}");
        }
    }
}
