// One run: nodes share a bucket, and a driver plays the part of a cluster, with its mistakes. It opens shards on nodes,
// moves them, opens them where others have them still, carves and merges them and does not come to the end of it; nodes
// are stopped, cut off, killed and closed, and clients find their way with maps that may be old. What must hold is in
// ShardBook.cs. At the end the faults stop, and a last node opens everything, which must be everything.
using Dmt.Core.Sharding;
using Dmt.Engine;
using Dmt.Engine.Log;

namespace Dmt.Simulation.Shards;

internal sealed partial class ShardSimulation
{
    private const long StepsMax = 1_000_000;
    private const int NodesMax = 14;

    /// <summary>Of the requests of an opening most have their effect, and many replies are lost.</summary>
    private static readonly SimFaults BadOpening = new() { ErrorBefore = 0.05, ErrorAfter = 0.25 };

    /// <summary>
    /// Longer than any node is stopped or cut off, and than a carve takes: what a sweep finds must be older, for what
    /// is to be named soon looks like garbage, and who is stopped may come back.
    /// </summary>
    private static readonly TimeSpan SafeAge = TimeSpan.FromSeconds(90);

    private readonly SimWorld _world;
    private readonly SimBucket _bucket;
    private readonly SimSwitches _switches;
    private readonly SimCounts _counts = new();
    private readonly ShardBook _book;
    private readonly List<ShardSimNode> _nodes = [];
    private readonly EngineOptions _options;

    /// <summary>
    /// What an owner names itself is deleted at once, within the few seconds of a run: needs it somebody after all, he
    /// shall miss it. Sweeps look for what is of a safe age still.
    /// </summary>
    private readonly bool _isGarbageYoung;

    /// <summary>The fewer nodes, the more shards share a log.</summary>
    private readonly int _livingMax;
    private SimFaults _faults = SimFaults.None;
    private int _operationsLeft;
    private int _chaosLeft;

    private ShardSimulation(int seed, SimSwitches switches, bool keepTrace)
    {
        _world = new SimWorld(seed, keepTrace);
        _switches = switches;
        _bucket = new SimBucket(_world, switches, forbidsStaleReads: null);
        _book = new ShardBook(_world, _bucket, _counts);

        _livingMax = _world.Chance(0.4) ? 2 : 4;
        _isGarbageYoung = _world.Chance(0.5);
        var ageMin = _isGarbageYoung ? TimeSpan.Zero
            : _world.Chance(0.7) ? SafeAge : TimeSpan.FromDays(365); // or nothing is ever deleted
        _options = Simulation.Tiny with { GarbageAgeMin = ageMin, CollectsGarbage = !_isGarbageYoung };
    }

    private Random Random => _world.Random;

    private List<ShardSimNode> Usable => _nodes.FindAll(static node => node.IsUsable);

    /// <summary>Runs a seed to its end, on the calling thread, which must not be one of the pool.</summary>
    public static SimResult Run(int seed, SimSwitches switches = SimSwitches.None, bool keepTrace = false) =>
        new ShardSimulation(seed, switches, keepTrace).Run(seed);

    private SimResult Run(int seed)
    {
        try
        {
            if (_world.Chance(0.6))
            {
                Prepare();
            }

            RunPhase();
            if (_world.Violation is null && _world.Chance(0.3))
            {
                // A day or two is what the collector waits for; after a month fences go.
                Doze(_world.Chance(0.1) ? 35 * 24 : Random.Next(20, 60));
                RunPhase();
            }

            if (_world.Violation is null)
            {
                Finish();
            }
        }
        catch (Exception e)
        {
            _world.Fail($"an event threw: {e}");
        }
        finally
        {
            // Nodes that were killed closed nothing.
            _nodes.ForEach(static node => node.Node.Host?.Metrics.Dispose());
        }

        _bucket.NoteContents();
        _counts.Steps = _world.Steps;
        return new SimResult(seed, _world.Violation, _world.TraceHash, [.. _world.Trace], _counts);
    }

    /// <summary>All goes well until there are several shards: what goes wrong with one may harm another.</summary>
    private void Prepare()
    {
        StartNode();
        _ = RunAsync();
        _world.RunToRest(StepsMax);

        async Task RunAsync()
        {
            for (var left = 3; left > 0; left--)
            {
                await CarveAsync((await FindAsync(ShardMap.Root).ConfigureAwait(false))!).ConfigureAwait(false);
            }
        }
    }

    private void RunPhase()
    {
        _faults = _world.Chance(0.3) ? SimFaults.None : SimFaults.Draw(Random);
        (_operationsLeft, _chaosLeft) = _isGarbageYoung ? (Random.Next(100, 300), 60) : (Random.Next(40, 130), 40);
        while (Usable.Count < 2)
        {
            StartNode();
        }

        for (var left = _isGarbageYoung ? Random.Next(4, 10) : Random.Next(2, 6); left > 0; left--)
        {
            _world.Post(0, () => _ = RunClientAsync());
        }

        ScheduleChaos();
        _world.RunToRest(StepsMax);
        CheckNothingHangs();
    }

    /// <summary>Nothing happens for so many hours, but what nodes do by themselves.</summary>
    private void Doze(int hours)
    {
        _world.Note($"nothing happens for {hours} hours");
        Next(hours);
        _world.RunToRest(StepsMax);

        void Next(int left) => _world.Post(TimeSpan.TicksPerHour, () =>
        {
            if (left > 1)
            {
                Next(left - 1);
            }
        });
    }

    private ShardSimNode StartNode()
    {
        var node = new ShardSimNode(_world, _nodes.Count, _book) { Node = null! };
        var objects = new SimObjectStore(
            node, _bucket, () => node.IsOpeningBadly && _operationsLeft > 0 ? BadOpening : _faults);
        var logs = Simulation.DrawLogOptions(Random);
        node.Node = new ShardNode(
            objects, _options, node.Time, node.Random, node.Scheduler,
            bucket => new RecordingLogStore(
                node, new ObjectLogStore(bucket, logs, node.Time, node.Scheduler), _switches));
        _nodes.Add(node);
        _world.Note($"node {node.Number} starts");
        return node;
    }

    private void ScheduleChaos() => _world.Post(SimWorld.Milliseconds(Random.Next(20, 250)), () =>
    {
        if (_operationsLeft == 0 || --_chaosLeft == 0)
        {
            _operationsLeft = 0;
            _faults = SimFaults.None;
            return;
        }

        DoHarm();
        ScheduleChaos();
    });

    private void DoHarm()
    {
        var usable = Usable;
        if (usable.Count < 2 || (usable.Count < _livingMax && _nodes.Count < NodesMax && Random.Next(8) == 0))
        {
            StartNode();
            return;
        }

        var victim = usable[Random.Next(usable.Count)];
        var until = _world.Now + SimWorld.Milliseconds(Random.Next(50, 4000));
        switch (Random.Next(24))
        {
            case 0:
                Kill(victim);
                break;
            case 1:
                _ = CloseAsync(victim);
                break;
            case 2:
                _world.Note($"node {victim.Number} is stopped");
                victim.FrozenUntil = until;
                break;
            case 3:
                _world.Note($"node {victim.Number} is cut off");
                victim.CutOffUntil = until;
                break;
            case 4 or 5:
                _faults = Random.Next(6) == 0 ? new SimFaults { ErrorBefore = 1 }
                    : _world.Chance(0.4) ? SimFaults.None
                    : SimFaults.Draw(Random);
                break;
            case < 12:
                Start(CarveAsync);
                break;
            case < 15:
                Start(MergeAsync);
                break;
            case < 18:
                Start(MoveAsync);
                break;
            case < 20:
                Start(TakeOverAsync);
                break;
            case 20 or 23:
                Start(static activation => activation.Shard.FlushAsync().AsTask(), "flush");
                break;
            case 21:
                _ = CallAsync(victim, "a sweep", () => SweepAsync(victim));
                break;
            case 22:
                Start(StaleMapAsync);
                break;
            default:
                break;
        }

        void Start(Func<Activation, Task> act, string? call = null)
        {
            var open = _placed.Values.Where(static one => one.IsUsable).ToList();
            if (open.Count > 0)
            {
                var chosen = open[Random.Next(open.Count)];
                _ = call is null ? act(chosen) : CallAsync(chosen.Node, call, async () => await act(chosen).Then(true));
            }
        }
    }

    private async Task<bool> SweepAsync(ShardSimNode node)
    {
        if (node.Node.Host is { } host)
        {
            TimeSpan? ageMin = _isGarbageYoung ? SafeAge : null;
            await host.Collector.SweepAsync(dryRun: false, ageMin, CancellationToken.None).ConfigureAwait(false);
        }

        return true;
    }

    private void Kill(ShardSimNode node)
    {
        _world.Note($"node {node.Number} is killed");
        _counts.Kills++;
        node.IsDead = true;
    }

    private async Task CloseAsync(ShardSimNode node)
    {
        _world.Note($"node {node.Number} is closed");
        node.IsEnding = true;
        await CallAsync(node, "closing", () => node.Node.DisposeAsync().AsTask().Then(true)).ConfigureAwait(false);
    }

    private void CheckNothingHangs()
    {
        if (_nodes.Find(static node => !node.IsDead && node.PendingCalls.Count > 0) is { } waiting)
        {
            _world.Fail($"calls of node {waiting.Number} never return: {string.Join(", ", waiting.PendingCalls)}");
        }
    }

    /// <summary>All is well again: who is left ends in one way or the other, and a last node opens all.</summary>
    private void Finish()
    {
        foreach (var node in Usable)
        {
            if (_world.Chance(0.5))
            {
                _ = CloseAsync(node);
            }
            else
            {
                Kill(node);
            }
        }

        _world.RunToRest(StepsMax);
        CheckNothingHangs();
        var last = StartNode();
        var isChecked = false;
        _ = RunAsync();
        _world.RunToRest(StepsMax);
        CheckNothingHangs();
        if (_world.Violation is null && !isChecked)
        {
            _world.Fail("the last node has not come to its end though nothing was wrong any more");
        }

        async Task RunAsync()
        {
            await OpenAllAsync(last).ConfigureAwait(false);
            isChecked = true;
        }
    }
}
