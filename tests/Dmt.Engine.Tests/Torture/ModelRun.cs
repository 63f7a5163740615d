using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Testing;

namespace Dmt.Engine.Tests.Torture;

/// <summary>Applies operations to a store and to the model, and compares what comes back.</summary>
internal sealed partial class ModelRun : IAsyncDisposable
{
    private const int SnapshotsMax = 4;
    private const int IteratorsMax = 3;

    private readonly TemporaryDirectory _directory = new();
    private readonly ManualClock _clock = new();
    private readonly EngineOptions _options;
    private readonly List<(StoreSnapshot Snapshot, Model Model)> _snapshots = [];
    private readonly List<(Scan Scan, IEnumerator<ModelRow> Rows)> _iterators = [];
    private Model _model = new();
    private TrieStore _store = null!;
    private string _folder;
    private int _folders;

    private ModelRun(EngineOptions options)
    {
        _options = options;
        _folder = Path.Combine(_directory.Path, "0");
    }

    private long NowMs => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    public static async Task RunAsync(RandomCase random)
    {
        await using var run = new ModelRun(random.Options);
        run._store = await TrieStore.OpenAsync(run._folder, random.Options, run._clock);
        for (var i = 0; i < random.Operations.Length; i++)
        {
            var operation = random.Operations[i];
            try
            {
                await run.ApplyAsync(operation);
            }
            catch (Exception e)
            {
                random.FailedAt = i;
                throw new InvalidOperationException($"operation {i}, {operation}: {e.GetType().Name}: {e.Message}", e);
            }
        }

        await run.CheckEverythingAsync();
    }

    public async ValueTask DisposeAsync()
    {
        CloseReaders();
        await _store.DisposeAsync();
        _directory.Dispose();
    }

    private Task ApplyAsync(Operation operation)
    {
        var input = new RandomInput(operation.Seed);
        return operation.Kind switch
        {
            OperationKind.Put => PutAsync(input),
            OperationKind.Delete => DeleteAsync(input),
            OperationKind.DeleteRange => DeleteRangeAsync(input.Range()),
            OperationKind.DeletePrefix => DeleteRangeAsync(KeyRange.Prefix(input.Key())),
            OperationKind.Batch => BatchAsync(input),
            OperationKind.Advance => Now(() => _clock.Advance(TimeSpan.FromMilliseconds(input.Next(2000)))),
            OperationKind.Get => GetAsync(input.Key()),
            OperationKind.Scan => PagesAsync(input, input.Range()),
            OperationKind.PrefixScan => PagesAsync(input, KeyRange.Prefix(input.Prefix())),
            OperationKind.Count => CountAsync(input.Range()),
            OperationKind.OpenIterator => Now(() => OpenIterator(input)),
            OperationKind.StepIterator => StepIteratorAsync(input),
            OperationKind.CloseIterator => Now(() => CloseIterator(input)),
            OperationKind.OpenSnapshot => Now(OpenSnapshot),
            OperationKind.ReadSnapshot => ReadSnapshotAsync(input),
            OperationKind.CloseSnapshot => Now(() => CloseSnapshot(input)),
            OperationKind.Flush => _store.FlushAsync().AsTask(),
            OperationKind.Compact => _store.CompactAsync().AsTask(),
            OperationKind.Reopen => ReopenAsync(),
            OperationKind.CrashReopen => CrashReopenAsync(),
            _ => throw new ArgumentOutOfRangeException(nameof(operation)),
        };
    }

    private static Task Now(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    private async Task PutAsync(RandomInput input)
    {
        var key = input.Key();
        var (value, metadata, ttl) = (input.Value(), input.Metadata(), input.TimeToLive());
        var condition = input.Condition(_model.Get(key, NowMs)?.Version ?? 0);
        var options = new WriteOptions { Condition = condition, Metadata = metadata, TimeToLive = ttl };
        await SameOutcomeAsync(
            _model.Holds(key, condition, NowMs),
            () => _store.PutAsync(key, value, options),
            () => _model.Put(key, value, metadata, ttl is { } t ? NowMs + (long)t.TotalMilliseconds : 0));
    }

    private async Task DeleteAsync(RandomInput input)
    {
        var key = input.Key();
        var condition = input.Condition(_model.Get(key, NowMs)?.Version ?? 0);
        await SameOutcomeAsync(
            _model.Holds(key, condition, NowMs),
            () => _store.DeleteAsync(key, new WriteOptions { Condition = condition }),
            () => _model.Delete(key));
    }

    private async Task DeleteRangeAsync(KeyRange range)
    {
        if (range.IsEmpty)
        {
            var error = await Assert.ThrowsAsync<DmtException>(async () => await _store.DeleteRangeAsync(range));
            Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
            return;
        }

        await SameOutcomeAsync(true, () => _store.DeleteRangeAsync(range), () => _model.DeleteRange(range));
    }

    private async Task BatchAsync(RandomInput input)
    {
        var batch = new WriteBatch();
        var holds = true;
        var steps = new List<Action>();
        for (var left = input.Next(8) + 1; left > 0; left--)
        {
            var key = input.Key();
            var condition =
                input.Next(4) == 0 ? input.Condition(_model.Get(key, NowMs)?.Version ?? 0) : WriteCondition.None;
            switch (input.Next(6))
            {
                case 0:
                    holds &= _model.Holds(key, condition, NowMs);
                    batch.Delete(key, condition);
                    steps.Add(() => _model.Delete(key));
                    break;
                case 1:
                    var range = KeyRange.Prefix(key);
                    batch.DeleteRange(range);
                    steps.Add(() => _model.DeleteRange(range));
                    break;
                default:
                    holds &= _model.Holds(key, condition, NowMs);
                    var value = input.Value();
                    batch.Put(key, value, condition: condition);
                    steps.Add(() => _model.Put(key, value, [], 0));
                    break;
            }
        }

        await SameOutcomeAsync(holds, () => _store.WriteAsync(batch), () => steps.ForEach(static step => step()));
    }

    /// <summary>Both take the write and number it the same, or the store refuses it as a conflict.</summary>
    private async Task SameOutcomeAsync(bool holds, Func<ValueTask<ulong>> write, Action apply)
    {
        if (!holds)
        {
            var error = await Assert.ThrowsAsync<DmtException>(async () => await write());
            Assert.Equal(DmtErrorKind.Conflict, error.Kind);
            return;
        }

        var version = await write();
        apply();
        Assert.Equal(_model.Version, version);
    }

    private async Task ReopenAsync()
    {
        CloseReaders();
        await _store.DisposeAsync();
        Assert.Empty(StoreFolder.Logs(_folder));
        _store = await TrieStore.OpenAsync(_folder, _options, _clock);
    }

    /// <summary>Goes on with a copy of the folder, taken while the store was open and synced.</summary>
    private async Task CrashReopenAsync()
    {
        CloseReaders();
        await _store.SyncAsync();
        var copy = Path.Combine(_directory.Path, $"{++_folders}");
        StoreFolder.CopyTo(_folder, copy);
        var crashed = await TrieStore.OpenAsync(copy, _options, _clock);
        await _store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        (_store, _folder) = (crashed, copy);
    }
}
