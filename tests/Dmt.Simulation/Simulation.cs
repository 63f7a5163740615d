// One run: nodes come, take the store over from each other, are stopped, cut off and killed, while their clients write
// and read. What must hold is in Simulation.Checks.cs. At the end the faults stop, whoever was stalled wakes up, and a
// last node opens the store, which must have everything that it should.
using Dmt.Core;
using Dmt.Engine;
using Dmt.Engine.Log;

namespace Dmt.Simulation;

internal sealed partial class Simulation
{
    private const long StepsMax = 300_000;
    private const int NodesMax = 12;

    /// <summary>Longer than any node is stopped or cut off: then nobody may miss what was deleted.</summary>
    private static readonly TimeSpan SafeAge = TimeSpan.FromSeconds(90);

    private readonly SimWorld _world;
    private readonly SimBucket _bucket;
    private readonly SimSwitches _switches;
    private readonly List<SimNode> _nodes = [];
    private readonly SimCounts _counts = new();
    private readonly List<(string Key, string Value)> _requests = []; // those that were sent, by number from 1
    private readonly EngineOptions _options;
    private SimFaults _faults;
    private int _operationsLeft;
    private int _chaosLeft = 60;

    private Simulation(int seed, SimSwitches switches, bool keepTrace)
    {
        _world = new SimWorld(seed, keepTrace);
        _switches = switches;
        _faults = SimFaults.Draw(_world.Random);
        _operationsLeft = _world.Random.Next(60, 250);
        var isSafe = _world.Chance(0.5);
        _options = Tiny with { GarbageAgeMin = isSafe ? SafeAge : TimeSpan.Zero };
        _bucket = new SimBucket(_world, switches, isSafe);
    }

    /// <summary>Sizes so small that a hundred writes are several memtables, tables and levels.</summary>
    public static EngineOptions Tiny { get; } = new()
    {
        CacheBytes = 8 << 20,
        MemtableBytes = 2048,
        BlockBytes = 512,
        TableBytes = 2048,
        LevelBaseBytes = 6144,
        Level0CompactionTables = 2,
        Level0SlowdownTables = 4,
        Level0StopTables = 6,
    };

    /// <summary>Runs a seed to its end, on the calling thread, which must not be one of the pool.</summary>
    public static SimResult Run(int seed, SimSwitches switches = SimSwitches.None, bool keepTrace = false) =>
        new Simulation(seed, switches, keepTrace).Run(seed);

    private SimResult Run(int seed)
    {
        try
        {
            StartNode();
            ScheduleChaos();
            _world.RunToRest(StepsMax);
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
            _nodes.ForEach(static node => node.Store?.Host.Metrics.Dispose());
        }

        _bucket.NoteContents();
        _counts.StaleReads = _bucket.StaleReads;
        _counts.Steps = _world.Steps;
        return new SimResult(seed, _world.Violation, _world.TraceHash, [.. _world.Trace], _counts);
    }

    private SimNode StartNode()
    {
        var node = new SimNode(_world, _nodes.Count);
        _nodes.Add(node);
        _world.Note($"node {node.Number} starts");
        node.Post(0, () => _ = RunNodeAsync(node));
        return node;
    }

    private async Task RunNodeAsync(SimNode node)
    {
        var objects = new SimObjectStore(node, _bucket, () => _faults);
        var logs = new RecordingLogStore(
            node,
            new ObjectLogStore(objects, DrawLogOptions(_world.Random), node.Time, node.Scheduler),
            _switches);
        try
        {
            node.PendingCalls.Add("opening");
            node.Store = await TrieStore
                .OpenAsync(objects, logs, _options, node.Time, node.Scheduler, node.Random, CancellationToken.None)
                .ConfigureAwait(false);
            node.PendingCalls.Remove("opening");
            await TakenOverAsync(node).ConfigureAwait(false);
        }
        catch (DmtException e) when (e.Kind is DmtErrorKind.Fenced or DmtErrorKind.Unavailable)
        {
            _world.Note($"node {node.Number} could not open the store: {e.Kind}");
            node.PendingCalls.Remove("opening");
            node.IsEnding = true;
        }
        catch (Exception e)
        {
            _world.Fail($"node {node.Number} could not open the store: {e}");
        }
    }

    /// <summary>Batches so small that few writes are many.</summary>
    public static ObjectLogOptions DrawLogOptions(Random random) => new()
    {
        BatchBytesMax = random.Next(200, 3000),
        UploadsMax = random.Next(1, 6),
        UnwrittenBytesMax = random.Next(2000, 20_000),
    };

    private async Task TakenOverAsync(SimNode node)
    {
        node.Epoch = (await node.Store!.StatAsync().ConfigureAwait(false)).Epoch;
        _counts.Openings++;
        CheckTakeover(node);
        _world.Note($"node {node.Number} opened the store: epoch {node.Epoch}, sequence {node.Recovered}");
        for (var left = _world.Random.Next(2, 5); left > 0; left--)
        {
            node.Post(0, () => _ = new SimClient(this, node).RunAsync());
        }

        await CheckContentsAsync(node).ConfigureAwait(false);
    }

    /// <summary>Whether a client may do one more operation.</summary>
    private bool TakeOperation()
    {
        if (_operationsLeft == 0)
        {
            return false;
        }

        _operationsLeft--;
        _counts.Operations++;
        return true;
    }

    private void ScheduleChaos() =>
        _world.Post(SimWorld.Milliseconds(_world.Random.Next(20, 500)), () =>
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
        var random = _world.Random;
        var living = _nodes.FindAll(static node => !node.IsDead && !node.IsEnding);
        if (living.Count == 0)
        {
            StartNode();
            return;
        }

        var victim = living[random.Next(living.Count)];
        var harm = random.Next(16);
        var until = _world.Now + SimWorld.Milliseconds(random.Next(50, 4000));
        if (harm < 4 && living.Count < 4 && _nodes.Count < NodesMax)
        {
            _counts.Takeovers++;
            StartNode();
        }
        else if (harm < 6)
        {
            Kill(victim);
        }
        else if (harm < 8)
        {
            _world.Note($"node {victim.Number} is stopped");
            victim.FrozenUntil = until;
        }
        else if (harm < 10)
        {
            _world.Note($"node {victim.Number} is cut off");
            victim.CutOffUntil = until;
        }
        else if (harm < 13)
        {
            _faults = harm == 10 ? new SimFaults { ErrorBefore = 1 } : SimFaults.Draw(random);
        }
        else if (harm == 13 && victim.IsUsable)
        {
            Close(victim);
        }
    }

    private void Kill(SimNode node)
    {
        _world.Note($"node {node.Number} is killed");
        _counts.Kills++;
        node.IsDead = true;
    }

    private void Close(SimNode node)
    {
        _world.Note($"node {node.Number} is closed");
        node.IsEnding = true;
        node.Post(0, () => _ = CloseAsync(node));
    }

    private async Task CloseAsync(SimNode node)
    {
        node.PendingCalls.Add("closing");
        try
        {
            await node.Store!.DisposeAsync().ConfigureAwait(false);
            _world.Note($"node {node.Number} has closed");
        }
        catch (DmtException e) when (e.Kind is DmtErrorKind.Fenced or DmtErrorKind.Unavailable)
        {
            _world.Note($"node {node.Number} has closed: {e.Kind}");
        }
        catch (Exception e)
        {
            _world.Fail($"node {node.Number} could not close: {e}");
        }

        node.PendingCalls.Remove("closing");
    }

    /// <summary>All is well again: what was stalled has woken up and come to rest.</summary>
    private void Finish()
    {
        CheckNothingHangs();
        foreach (var node in _nodes.Where(static node => node.IsUsable).ToList())
        {
            if (_world.Chance(0.5))
            {
                Close(node);
            }
            else
            {
                Kill(node);
            }
        }

        _world.RunToRest(StepsMax);
        CheckNothingHangs();
        var last = StartNode();
        _world.RunToRest(StepsMax);
        CheckNothingHangs();
        if (_world.Violation is null && !last.IsChecked)
        {
            _world.Fail($"node {last.Number} could not open the store though nothing was wrong any more");
        }
    }
}
