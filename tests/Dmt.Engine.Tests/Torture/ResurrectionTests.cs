using System.Text;
using Dmt.Core.Keys;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;
using Dmt.Testing;

namespace Dmt.Engine.Tests.Torture;

/// <summary>
/// What was deleted or overwritten never comes back, however deep the levels and whatever part of them is compacted;
/// and no file stays that nothing names.
/// </summary>
public sealed class ResurrectionTests : IDisposable
{
    private const int Checkpoints = 60;
    private const int OperationsPerCheckpoint = 1_500;
    private const int Keys = 12_000;
    private const int ManifestsKept = 5; // ManifestStore keeps four; the one of closing comes on top

    private readonly TemporaryDirectory _directory = new();
    private readonly ManualClock _clock = new();
    private readonly Model _model = new();
    private readonly SortedSet<int> _levelsSeen = [];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Nothing_deleted_comes_back_from_any_level(int seed)
    {
        var random = new Random(seed);
        var store = await OpenAsync();
        for (var checkpoint = 0; checkpoint < Checkpoints; checkpoint++)
        {
            var snapshot = random.Next(3) == 0 ? store.OpenSnapshot() : null;
            var before = snapshot is null ? null : _model.Copy();
            for (var i = 0; i < OperationsPerCheckpoint; i++)
            {
                await OperateAsync(store, random);
            }

            foreach (var level in (await store.StatAsync()).Levels)
            {
                _levelsSeen.Add(level.Level);
            }

            await SameAsync(store, $"seed {seed}, checkpoint {checkpoint}");
            if (snapshot is not null)
            {
                Assert.Equal(
                    before!.Walk(KeyRange.All, false, 0).LongCount(), await snapshot.CountAsync(KeyRange.All));
                snapshot.Dispose();
            }

            if (random.Next(10) == 0)
            {
                await store.DisposeAsync();
                await AssertNothingLeftOverAsync();
                store = await OpenAsync();
            }
        }

        await store.CompactAsync();
        await SameAsync(store, $"seed {seed}, all compacted");
        await store.DisposeAsync();
        await AssertNothingLeftOverAsync();
        Assert.True(_levelsSeen.Count >= 4, $"only levels {string.Join(' ', _levelsSeen)} ever held data");
    }

    private ValueTask<TrieStore> OpenAsync() => TrieStore.OpenAsync(
        _directory.Path, TinyOptions.Create() with { Level0CompactionTables = 2 }, _clock);

    private async Task OperateAsync(TrieStore store, Random random)
    {
        // The key space wanders, so that some parts rest in deep levels while others are written and deleted.
        var key = Key((random.Next(Keys) + (random.Next(4) > 0 ? random.Next(300) : 0)) % Keys);
        switch (random.Next(1000))
        {
            case < 2:
                var range = new KeyRange(key, Key(random.Next(Keys)));
                range = range.IsEmpty || random.Next(4) > 0
                    ? KeyRange.Prefix(key.AsMemory(0, key.Length - 2))
                    : new KeyRange(key, Key(Math.Min(Keys, Number(key) + random.Next(600))));
                await store.DeleteRangeAsync(range);
                _model.DeleteRange(range);
                break;
            case < 250:
                await store.DeleteAsync(key);
                _model.Delete(key);
                break;
            default:
                var value = new byte[random.Next(20, 400)];
                random.NextBytes(value);
                await store.PutAsync(key, value);
                _model.Put(key, value, [], 0);
                break;
        }
    }

    private async Task SameAsync(TrieStore store, string when)
    {
        using var rows = _model.Walk(KeyRange.All, reverse: false, 0).GetEnumerator();
        using var scan = store.OpenScan(KeyRange.All);
        while (await scan.MoveNextAsync())
        {
            Assert.True(rows.MoveNext(), $"{when}: {Encoding.ASCII.GetString(scan.Key)} came back");
            Assert.True(
                scan.Key.SequenceEqual(rows.Current.Key),
                $"{when}: {Encoding.ASCII.GetString(scan.Key)} stands where "
                    + $"{Encoding.ASCII.GetString(rows.Current.Key)} belongs");
            Assert.True(scan.Value.SequenceEqual(rows.Current.Value), $"{when}: {Number(rows.Current.Key)} is old");
        }

        Assert.False(rows.MoveNext(), $"{when}: a key is gone");
        for (var i = 0; i < Keys; i += 11)
        {
            var found = await store.GetAsync(Key(i));
            Assert.Equal(_model.Get(Key(i), 0)?.Version, found?.Version);
        }
    }

    /// <summary>
    /// After closing, the folder has the tables that the last manifest names, few manifests, and nothing else.
    /// </summary>
    private async Task AssertNothingLeftOverAsync()
    {
        Assert.Empty(StoreFolder.Logs(_directory.Path));
        var manifests = StoreFolder.Manifests(_directory.Path);
        Assert.InRange(manifests.Length, 1, ManifestsKept);
        await using var objects = new DirectoryObjectStore(_directory.Path, TimeProvider.System);
        var last = await new ManifestStore(objects, 1).LoadLatestAsync(default);
        Assert.True(last!.ClosedCleanly);
        Assert.Equal(
            last.Levels.SelectMany(static level => level).Select(static t => t.Id.ObjectName)
                .Order(StringComparer.Ordinal),
            StoreFolder.Tables(_directory.Path));
        Assert.Equal(
            manifests.Length + StoreFolder.Tables(_directory.Path).Length, StoreFolder.Files(_directory.Path).Length);
    }

    private static byte[] Key(int i) => Encoding.ASCII.GetBytes($"key{i:D6}");

    private static int Number(byte[] key) =>
        int.Parse(key.AsSpan(3), System.Globalization.CultureInfo.InvariantCulture);
}
