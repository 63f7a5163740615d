using Dmt.Contracts;
using Dmt.Contracts.Messages;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine;
using Dmt.Grains.Placement;
using Orleans.Concurrency;

namespace Dmt.Grains.Shards;

/// <summary>
/// A thin handle on a shard of the silo's <see cref="ShardNode"/>. Activation opens and fences; deactivation flushes
/// and closes, so that a graceful move replays nothing. Calls interleave, for the engine orders writes.
/// </summary>
[Reentrant]
[ShardPlacement]
internal sealed partial class ShardGrain(SiloNode node, ShardMapCache maps, LocalShards local, MergeFinisher merges)
    : Grain, IShardGrain, IDisposable
{
    /// <summary>An answer ends with the entry that fills it: Orleans refuses messages that are very large.</summary>
    private const int AnswerBytes = 4 << 20;

    private const int ReadAtOnce = 32;

    /// <summary>What an entry takes in an answer, about: more than that costs a copy.</summary>
    private const int EntryBytes = 160;

    /// <summary>Shards carved at once when the shard chooses: each is a request behind the closed gate.</summary>
    private const int CarvedAtOnce = 8;

    private readonly CancellationTokenSource _closing = new();
    private HostedShard? _shard;
    private DmtException? _refusal; // why there is no shard

    private uint Id => GrainKeys.Parse(this.GetPrimaryKeyString()).Shard;

    /// <exception cref="DmtException">What kept it from opening; the next call finds another activation.</exception>
    private HostedShard Shard
    {
        get
        {
            if (_shard is { } shard)
            {
                return shard;
            }

            DeactivateOnIdle();
            throw _refusal is { } refusal
                ? new DmtException(refusal.Kind, refusal.Message, refusal)
                : new DmtException(DmtErrorKind.NotOwner, $"shard {Id} is closed here: look for its owner again");
        }
    }

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (node.IsLeaving)
            {
                throw DmtException.Unavailable($"the silo that was to open shard {Id} is leaving: try again");
            }

            var opening = await node.Node.OpenAsync(Id, cancellationToken);
            if (opening.MergedInto is { } parent)
            {
                await merges.FinishAsync(Id, parent, cancellationToken);
                throw new DmtException(DmtErrorKind.NotOwner, $"shard {Id} was merged into shard {parent}");
            }

            _shard = opening.Shard!;
            local.Add(Id, GrainContext, _shard);
            _ = LeaveWhenFencedAsync(_shard);
        }
        catch (DmtException e)
        {
            // Answered to whoever waits, and then looked for again: an activation that fails hides why.
            _refusal = e;
        }
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _closing.CancelAsync();
        if (Interlocked.Exchange(ref _shard, null) is { } shard)
        {
            local.Remove(Id, GrainContext);
            await shard.DisposeAsync();
        }
    }

    public void Dispose() => _closing.Dispose();

    public ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken) =>
        Shard.GetAsync(key, cancellationToken);

    public async ValueTask<EntryList> GetManyAsync(KeyList keys, CancellationToken cancellationToken)
    {
        var shard = Shard;
        var wanted = keys.ToArray();
        var answer = new EntryList.Builder(Math.Min(wanted.Length * EntryBytes, AnswerBytes));
        foreach (var some in wanted.Chunk(ReadAtOnce))
        {
            // All are begun before the first is awaited: blocks that are not in memory are loaded side by side.
            var reading = Array.ConvertAll(some, key => shard.GetAsync(key, cancellationToken));
            if (!Array.TrueForAll(reading, static one => one.IsCompletedSuccessfully))
            {
                var read = await Task.WhenAll(Array.ConvertAll(reading, static one => one.AsTask()));
                reading = Array.ConvertAll(read, static entry => new ValueTask<Entry?>(entry));
            }

            foreach (var one in reading)
            {
                answer.Add(one.Result);
                if (answer.Bytes >= AnswerBytes)
                {
                    return answer.Build();
                }
            }
        }

        return answer.Build();
    }

    public ValueTask<ulong> WriteAsync(ShardWrite write, CancellationToken cancellationToken) =>
        ShardWrites.ApplyAsync(Shard, write, cancellationToken);

    public async ValueTask<WriteOutcomeList> WriteManyAsync(ShardWriteList writes, CancellationToken cancellationToken)
    {
        // All are begun before the first is awaited: strict ones share an upload.
        var shard = Shard;
        var writing = Array.ConvertAll(
            writes.ToArray(), write => ShardWrites.TryAsync(shard, write, cancellationToken));
        var outcomes = new WriteOutcome[writing.Length];
        for (var i = 0; i < outcomes.Length; i++)
        {
            outcomes[i] = await writing[i];
        }

        return WriteOutcomeList.Of(outcomes);
    }

    public async ValueTask<ShardScanPage> ScanAsync(ShardScan scan, CancellationToken cancellationToken) =>
        ShardScans.ToMessage(await Shard.ScanAsync(ShardScans.ToRequest(scan), cancellationToken));

    public ValueTask<long> CountAsync(KeyRange range, CancellationToken cancellationToken) =>
        Shard.CountAsync(range, cancellationToken);

    public async ValueTask<ulong> FlushAsync(CancellationToken cancellationToken)
    {
        var shard = Shard;
        await shard.FlushAsync(cancellationToken);
        return shard.Epoch;
    }

    public ValueTask<ShardDescription> DescribeAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(LocalShards.Describe(Shard));

    public async ValueTask CarveAsync(ReadOnlyMemory<byte>[] prefixes, CancellationToken cancellationToken)
    {
        var shard = Shard;
        if (prefixes.Length == 0)
        {
            prefixes = [.. shard.PickCarve().Select(static prefix => (ReadOnlyMemory<byte>)prefix)];
        }

        await CarveAsync(shard, prefixes, cancellationToken);
    }

    public ValueTask CarveHotAsync(CancellationToken cancellationToken)
    {
        var shard = Shard;
        var prefixes = shard.PickCarveByLoad().Select(static prefix => (ReadOnlyMemory<byte>)prefix);
        return CarveAsync(shard, prefixes, cancellationToken);
    }

    public async ValueTask GiveUpAsync(uint parent, CancellationToken cancellationToken)
    {
        if (_refusal is { Kind: DmtErrorKind.NotOwner })
        {
            return; // It was merged, and whoever opened it has seen to the other half.
        }

        await Shard.GiveUpAsync(parent, cancellationToken);
        DeactivateOnIdle();
    }

    public ValueTask<uint?> AbsorbAsync(uint child, CancellationToken cancellationToken) =>
        Shard.AbsorbAsync(child, cancellationToken);

    public async ValueTask AgreeAsync(CancellationToken cancellationToken) =>
        maps.Note(await Shard.AgreeAsync(cancellationToken));

    private async ValueTask CarveAsync(
        HostedShard shard, IEnumerable<ReadOnlyMemory<byte>> prefixes, CancellationToken cancellationToken)
    {
        foreach (var some in prefixes.Chunk(CarvedAtOnce))
        {
            maps.Note(await shard.CarveAsync(some, cancellationToken));
        }
    }

    /// <summary>Another process has taken the silo's log over: the shard must be opened anew.</summary>
    private async Task LeaveWhenFencedAsync(HostedShard shard)
    {
        try
        {
            await shard.WhenFenced.WaitAsync(_closing.Token);
            DeactivateOnIdle();
        }
        catch (OperationCanceledException)
        {
            // It left for another reason.
        }
    }
}
