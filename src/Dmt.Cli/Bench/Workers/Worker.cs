// The driver of a workload: one worker for each thread. What it costs itself must be small beside an operation of a
// microsecond:
//
// - Operations that complete synchronously (mostly all that are not strict) run in a plain loop.
// - For one that does not, the thread blocks. Awaiting would go on in the thread pool, and a busy loop there takes a
//   thread from the store's own background work, which may then fall behind until the pool grows.
// - A reading of the clock costs about 25 ns. Workers whose operations take longer than a few microseconds, or that may
//   stall (all writers), read it once an operation: the end of one is the beginning of the next. Point reads are timed
//   one in eight.
using System.Diagnostics;
using Dmt.Core;
using Dmt.Engine;

namespace Dmt.Cli.Bench.Workers;

/// <summary>
/// Does one thread's share of a workload and counts how long its operations take. Not safe for concurrent use.
/// </summary>
internal abstract class Worker
{
    private const long ProgressStep = 256;

    private readonly long _end;
    private readonly long _untimedMask;
    private long _next;
    private long _started;
    private long _reported;

    /// <param name="context">The run.</param>
    /// <param name="share">This worker's part of it.</param>
    /// <param name="timedOneIn">Every how many operations one is timed; a power of two.</param>
    protected Worker(BenchContext context, WorkerShare share, int timedOneIn)
    {
        (Context, Share, Store) = (context, share, context.Store);
        (Keys, Values) = (context.Keys, context.Values);
        (_end, _untimedMask) = (share.Own, timedOneIn - 1);
        var stream = SplitMix64.Scramble((context.Generation << 20) + (ulong)share.Worker);
        Random = new SplitMix64(SplitMix64.Scramble(context.Settings.Seed) ^ stream);
        Key = new byte[Keys.KeyBytes];
        Value = new byte[Values.ValueBytes];
    }

    public LatencyHistogram Latencies { get; } = new();

    /// <summary>Operations done so far.</summary>
    public long Operations => _next * OperationsPerStep;

    /// <summary>Entries that scans have returned.</summary>
    public long Records { get; protected set; }

    protected BenchContext Context { get; }

    protected WorkerShare Share { get; }

    protected TrieStore Store { get; }

    protected BenchKeys Keys { get; }

    protected BenchValues Values { get; }

    /// <summary>Room for a key; an operation may use it until it completes.</summary>
    protected byte[] Key { get; }

    /// <summary>Room for a value to put.</summary>
    protected byte[] Value { get; }

    /// <summary>This worker's own choices.</summary>
    protected SplitMix64 Random;

    /// <summary>Operations counted in one that is timed: the latency is divided by it.</summary>
    protected virtual int OperationsPerStep => 1;

    /// <summary>Does all operations, on the calling thread from the first to the last.</summary>
    public void Run(CancellationToken cancellationToken)
    {
        _started = Stopwatch.GetTimestamp();
        while (RunUntilPending(out var pending, cancellationToken))
        {
            pending.AsTask().GetAwaiter().GetResult();
            Record();
        }

        Report();
    }

    /// <summary>Begins an operation.</summary>
    /// <param name="operation">Counts from 0 to the share's <see cref="WorkerShare.Own"/> - 1.</param>
    protected abstract ValueTask StepAsync(long operation);

    /// <summary>Puts the key and a value of this generation.</summary>
    protected ValueTask<ulong> PutAsync(ulong identity, Durability? durability = null)
    {
        Keys.Format(identity, Key);
        Values.Fill(identity, Context.Generation, Value);
        return Store.PutAsync(Key, Value, new WriteOptions { Durability = durability });
    }

    /// <summary>Gets a key that is there and checks its value.</summary>
    protected ValueTask GetAsync(ulong identity)
    {
        Keys.Format(identity, Key);
        var get = Store.GetAsync(Key);
        if (!get.IsCompletedSuccessfully)
        {
            return FinishAsync(get, identity);
        }

        Check(get.Result, identity);
        return default;
    }

    /// <summary>Completes when the write does.</summary>
    protected static ValueTask Completed(ValueTask<ulong> write)
    {
        if (!write.IsCompletedSuccessfully)
        {
            return new ValueTask(write.AsTask());
        }

        _ = write.Result;
        return default;
    }

    /// <summary>A result that the driver knows to be wrong: a defect of the engine, and the end of the run.</summary>
    protected InvalidDataException Wrong(string what) =>
        new($"wrong result: key \"{System.Text.Encoding.UTF8.GetString(Key)}\": {what}; seed {Context.Settings.Seed}");

    private async ValueTask FinishAsync(ValueTask<Entry?> get, ulong identity) => Check(await get, identity);

    private void Check(Entry? entry, ulong identity)
    {
        if (entry is not { } found)
        {
            throw Wrong("not found, but it was put");
        }

        if (!Values.IsValue(identity, found.Value.Span))
        {
            throw Wrong($"its value of {found.Value.Length} bytes was never put");
        }
    }

    /// <returns>True when an operation did not complete synchronously; false at the end.</returns>
    private bool RunUntilPending(out ValueTask pending, CancellationToken cancellationToken)
    {
        var clockEach = _untimedMask == 0;
        while (_next < _end)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var timed = (_next & _untimedMask) == 0;
            if (timed && !clockEach)
            {
                _started = Stopwatch.GetTimestamp();
            }

            var step = StepAsync(_next++);
            if (!step.IsCompletedSuccessfully)
            {
                _started = timed ? _started : Stopwatch.GetTimestamp();
                pending = step;
                return true;
            }

            if (timed)
            {
                Record();
            }

            if (_next % ProgressStep == 0)
            {
                Report();
            }
        }

        pending = default;
        return false;
    }

    private void Record()
    {
        var now = Stopwatch.GetTimestamp();
        var ns = (now - _started) * (1_000_000_000 / Stopwatch.Frequency);
        Latencies.Record(OperationsPerStep == 1 ? ns : ns / OperationsPerStep);
        _started = now;
    }

    private void Report()
    {
        var more = (_next - _reported) * OperationsPerStep;
        _reported = _next;
        Context.Count(more);
    }
}
