using System.Globalization;
using System.Text;
using Dmt.Core;
using Dmt.Engine.Garbage;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;
using Xunit.Abstractions;

namespace Dmt.Engine.Tests.Garbage;

/// <summary>
/// Random cycles of write, compact, checkpoint, delete checkpoint, collect, over one bucket, with reopening, takeover,
/// restore and zombies now and then, while other writers and a reader work on the same store. DMT_REPLAY=SEED draws the
/// same cycles again; what goes on beside them is up to the machine.
/// </summary>
public sealed class GarbageCycleTests(ITestOutputHelper output)
{
    private const int Cycles = 1000;
    private const int LoadPerStepMax = 100;

    [Fact]
    public async Task Nothing_referenced_is_deleted_and_what_is_unreferenced_and_old_is_gone_in_1000_cycles_under_load()
    {
        var given = Environment.GetEnvironmentVariable("DMT_REPLAY");
        var seed = given is null ? Random.Shared.Next() : int.Parse(given, CultureInfo.InvariantCulture);
        var run = new Run(seed);
        try
        {
            await run.StartAsync();
            for (var cycle = 0; cycle < Cycles; cycle++)
            {
                run.Cycle = cycle;
                await run.CycleAsync();
            }

            await run.EndAsync();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"seed {seed}, cycle {run.Cycle}: {e.Message}; DMT_REPLAY={seed} runs it again", e);
        }

        output.WriteLine(
            $"seed {seed}: {run.ObjectsCollected} objects collected, {run.ZombiesRefused} zombies refused, "
            + $"{run.Load.Acknowledged} writes and {run.Load.Scanned} entries scanned beside it, "
            + $"{run.WritesWhileCollecting} of the writes during collections");
        Assert.True(run.WritesWhileCollecting > 0, "nothing was written during any collection");
        Assert.True(run.ObjectsCollected > Cycles, $"only {run.ObjectsCollected} objects were ever collected");
        Assert.True(run.ZombiesRefused > 0, "no zombie was ever refused");
    }

    private sealed class Run(int seed)
    {
        private readonly Random _random = new(seed);
        private readonly GarbageFixture _fixture = new();
        private readonly Dictionary<string, SortedDictionary<string, string>> _checkpoints = [];
        private SortedDictionary<string, string> _model = new(StringComparer.Ordinal);
        private WatchedObjectStore _objects = null!;
        private TrieStore _store = null!;
        private (Scan Scan, SortedDictionary<string, string> Model)? _scan;
        private (TrieStore Store, WatchedObjectStore Objects)? _zombie;
        private int _names;

        public int Cycle { get; set; }

        public long ObjectsCollected { get; private set; }

        public int ZombiesRefused { get; private set; }

        public GarbageLoad Load { get; } = new();

        public long WritesWhileCollecting { get; private set; }

        public async Task StartAsync()
        {
            await OpenAsync(GarbageFixture.Options);
            Load.Start(_store, _random.Next());
        }

        public async Task CycleAsync()
        {
            Load.Allow(_random.Next(1, LoadPerStepMax));
            await WriteAsync();
            await (_random.Next(6) switch
            {
                0 or 1 => _store.FlushAsync().AsTask(),
                2 => _store.CompactAsync().AsTask(),
                3 => ScanAsync(),
                _ => Task.CompletedTask,
            });
            Load.Allow(_random.Next(1, LoadPerStepMax));
            if (_random.Next(2) == 0)
            {
                var name = $"c{++_names}";
                await _store.CheckpointAsync(name);
                _checkpoints.Add(name, Copy(_model));
            }

            if (_checkpoints.Count > 0 && (_checkpoints.Count > 8 || _random.Next(5) < 2))
            {
                await DeleteCheckpointAsync();
            }

            _fixture.Time.Advance(TimeSpan.FromMinutes(_random.Next(50)));
            await CollectAsync();
            await (_random.Next(25) switch
            {
                0 or 1 => ReopenAsync(),
                2 => TakeOverAsync(),
                3 => RestoreAsync(),
                4 => ZombieActsAsync(),
                _ => Task.CompletedTask,
            });
            await CheckAsync();
        }

        public async Task EndAsync()
        {
            await Load.StopAsync();
            foreach (var name in _checkpoints.Keys.ToList())
            {
                await DeleteCheckpointAsync(name);
            }

            await _store.CompactAsync();
            await ReopenAsync(restartsLoad: false);
            _fixture.Time.Advance(GarbageCollector.FenceAgeMin + TimeSpan.FromHours(1));
            await CollectAsync();
            var (needed, newest) = await _fixture.NeededTablesAsync();
            Assert.Equal(needed.Order(StringComparer.Ordinal), await _fixture.NamesAsync("shards/1/tables/"));
            Assert.All(await _fixture.NamesAsync("log/"), name =>
                Assert.Equal(newest.Incarnation, References.LogOf(name)!.Value.Incarnation));
            await CheckAsync();
            Load.Check(await GarbageFixture.ReadAsync(_store));
            await _store.DisposeAsync();
        }

        private static IEnumerable<KeyValuePair<string, string>> Own(SortedDictionary<string, string> stored) =>
            stored.Where(entry => !entry.Key.StartsWith(GarbageLoad.Prefix, StringComparison.Ordinal));

        private static SortedDictionary<string, string> Copy(SortedDictionary<string, string> model) =>
            new(model, StringComparer.Ordinal);

        private async Task OpenAsync(EngineOptions options)
        {
            while (true)
            {
                _objects = _fixture.Connect();
                try
                {
                    _store = await _fixture.OpenAsync(_objects, options);
                    return;
                }
                catch (DmtException e) when (e.Kind == DmtErrorKind.Fenced && _zombie is not null)
                {
                    // The owner's compaction was faster with the next manifest: it goes on until it is beaten.
                }
            }
        }

        private async Task WriteAsync()
        {
            for (var i = _random.Next(1, 30); i > 0; i--)
            {
                var key = $"key{_random.Next(150):D3}";
                if (_random.Next(4) == 0)
                {
                    await _store.DeleteAsync(Encoding.UTF8.GetBytes(key));
                    _model.Remove(key);
                }
                else
                {
                    var value = $"{Cycle}-{i}-{new string('v', _random.Next(200))}";
                    await _store.PutAsync(key, value);
                    _model[key] = value;
                }
            }
        }

        /// <summary>
        /// Begins a scan, or ends the one that has been open since, over compactions and collections.
        /// </summary>
        private async Task ScanAsync()
        {
            if (_scan is not { } open)
            {
                _scan = (_store.OpenScan(), Copy(_model));
                return;
            }

            foreach (var (key, value) in open.Model)
            {
                Assert.True(await open.Scan.MoveNextAsync());
                Assert.Equal(key, Encoding.UTF8.GetString(open.Scan.Key));
                Assert.Equal(value, Encoding.UTF8.GetString(open.Scan.Value));
            }

            CloseScan();
        }

        private void CloseScan()
        {
            _scan?.Scan.Dispose();
            _scan = null;
        }

        private async Task DeleteCheckpointAsync(string? name = null)
        {
            name ??= _checkpoints.Keys.ElementAt(_random.Next(_checkpoints.Count));
            Assert.Equal(_checkpoints[name], Own(await _fixture.ReadCheckpointAsync(name)));
            Assert.True(await _store.DeleteCheckpointAsync(name));
            _checkpoints.Remove(name);
        }

        /// <summary>
        /// What is unreferenced and old before a collection is gone after it; what is referenced after it was all the
        /// while, and is there.
        /// </summary>
        private async Task CollectAsync()
        {
            var (needed, newest) = await _fixture.NeededTablesAsync();
            var references = newest.LogRanges.ToDictionary(r => r.Incarnation, r => r.From);
            var due = (await _fixture.ListAsync()).Where(info => IsGarbage(info, needed, newest, references)).ToList();
            Load.Allow(_random.Next(1, LoadPerStepMax));
            var written = Load.Acknowledged;
            var dry = await _store.CollectGarbageAsync(dryRun: true);
            Assert.True(dry.IsDryRun);
            var report = await _store.CollectGarbageAsync();
            WritesWhileCollecting += Load.Acknowledged - written;
            ObjectsCollected += report.Deleted.Count;
            var left = due.Select(info => info.Name).Intersect(await _fixture.NamesAsync(string.Empty)).ToList();
            for (var again = 0; again < 1000 && left.Count > 0; again++)
            {
                // The manifest that does without them was there, and its owner did not know so yet.
                await Task.Yield();
                await _store.CollectGarbageAsync();
                left = [.. left.Intersect(await _fixture.NamesAsync(string.Empty))];
            }

            Assert.Empty(left);

            // Looked at again: a compaction in the background may have replaced some since.
            var (neededNow, _) = await _fixture.NeededTablesAsync();
            Assert.Empty(report.Deleted.Select(garbage => garbage.Name).Intersect(neededNow));
        }

        private bool IsGarbage(
            ObjectInfo info, HashSet<string> needed, Manifest newest, Dictionary<string, long> logs)
        {
            // The collector may take it for younger: by as much as the clock was moved while the owner's last manifest
            // was being written.
            var age = _fixture.Time.GetUtcNow() - info.LastModified - TimeSpan.FromHours(2);
            if (age < (GarbageFixture.IsFence(info) ? GarbageCollector.FenceAgeMin : GarbageFixture.AgeMin))
            {
                return false;
            }

            if (References.EpochOf(info.Name, 1) is { } epoch)
            {
                // A scan may still read it; what this epoch made is collected as its readers leave.
                return epoch != newest.Epoch && !needed.Contains(info.Name) && !_store.Host.IsInUse(info.Name);
            }

            return References.LogOf(info.Name) is { } batch
                ? !logs.TryGetValue(batch.Incarnation, out var from) || batch.Number < from
                : info.Name.StartsWith(Manifest.Folder(1), StringComparison.Ordinal)
                    && string.CompareOrdinal(
                        info.Name, Manifest.NameOf(1, Math.Max(0, newest.Number - ManifestStore.Kept))) <= 0;
        }

        private async Task ReopenAsync(bool restartsLoad = true)
        {
            await Load.StopAsync();
            CloseScan();
            await EndZombieAsync();
            await _store.DisposeAsync();
            CheckViolations();
            await OpenAsync(GarbageFixture.Options);
            Load.Check(await GarbageFixture.ReadAsync(_store));
            if (restartsLoad)
            {
                Load.Start(_store, _random.Next());
            }
        }

        /// <summary>Another process takes over; the one before does not know it yet.</summary>
        private async Task TakeOverAsync()
        {
            await Load.StopAsync();
            CloseScan();
            await EndZombieAsync();
            await _store.SyncAsync();
            CheckViolations();
            _objects.IsZombie = true;
            _zombie = (_store, _objects);
            await OpenAsync(GarbageFixture.Options);
            Load.Check(await GarbageFixture.ReadAsync(_store));
            Load.Start(_store, _random.Next());
        }

        private async Task RestoreAsync()
        {
            if (_checkpoints.Count == 0)
            {
                return;
            }

            await Load.StopAsync();
            CloseScan();
            await EndZombieAsync();
            CheckViolations();
            var name = _checkpoints.Keys.ElementAt(_random.Next(_checkpoints.Count));
            if (_random.Next(2) == 0)
            {
                await _store.DisposeAsync();
            }
            else
            {
                _objects.IsZombie = true;
                _zombie = (_store, _objects);
            }

            await OpenAsync(GarbageFixture.Options with { RestoreFrom = name });
            _model = Copy(_checkpoints[name]);
            await Load.ClearAsync(_store);
            Load.Start(_store, _random.Next());
        }

        private async Task ZombieActsAsync()
        {
            if (_zombie is not { } zombie)
            {
                return;
            }

            var before = await _fixture.NamesAsync("checkpoints/");
            var collecting = await Assert.ThrowsAsync<DmtException>(
                async () => await zombie.Store.CollectGarbageAsync(ageMin: TimeSpan.Zero));
            var keeping = await Assert.ThrowsAsync<DmtException>(
                async () => await zombie.Store.CheckpointAsync("of-a-zombie"));
            Assert.Equal(
                (DmtErrorKind.Fenced, DmtErrorKind.Fenced), (collecting.Kind, keeping.Kind));
            Assert.Equal(before, await _fixture.NamesAsync("checkpoints/"));
            ZombiesRefused++;
        }

        private async Task EndZombieAsync()
        {
            if (_zombie is { } zombie)
            {
                try
                {
                    await zombie.Store.DisposeAsync();
                }
                catch (DmtException e) when (e.Kind == DmtErrorKind.Fenced)
                {
                    // Its last uploads met the fence: as they should.
                }

                _zombie = null;
            }
        }

        private async Task CheckAsync()
        {
            CheckViolations();
            var (needed, _) = await _fixture.NeededTablesAsync();
            Assert.Empty(needed.Except(await _fixture.NamesAsync("shards/")));
            if (Cycle % 5 == 0)
            {
                Assert.Equal(_model, Own(await GarbageFixture.ReadAsync(_store)));
            }
        }

        private void CheckViolations() => Assert.Empty(_objects.Violations);
    }
}
