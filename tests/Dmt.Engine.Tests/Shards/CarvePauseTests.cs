using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Tests.Torture;
using Xunit.Abstractions;

namespace Dmt.Engine.Tests.Shards;

/// <summary>DMT_SHARD_CARVES: how many carves, of 8 shards each; their pauses are in the output.</summary>
public sealed class CarvePauseTests(ITestOutputHelper output)
{
    private const int Writers = 16;
    private const int ShardsACarve = 8;
    private static readonly int Carves = ShardSetting.Of("DMT_SHARD_CARVES", 4);
    private int _carve; // what is carved next: its keys are written now

    [Fact]
    public async Task On_a_folder_carves_and_merges_under_load_pause_writers_and_lose_nothing()
    {
        using var folder = new TemporaryDirectory();
        await using var store = await TrieStore.OpenAsync(
            folder.Path,
            TinyOptions.Create() with { CacheBytes = 64 << 20, MemtableBytes = 1 << 20, LogSegmentBytes = 64 << 20 });
        List<double> carves = [];
        List<double> merges = [];
        var pauses = carves;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listening) =>
            {
                if (instrument.Name == "dmt_shard_pause_seconds" && instrument.Meter == store.Host.Metrics.Meter)
                {
                    listening.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, seconds, _, _) => pauses.Add(seconds * 1000));
        listener.Start();
        using var done = new CancellationTokenSource();
        var writing = Enumerable.Range(0, Writers).Select(writer =>
            Task.Run(() => WriteUntilAsync(store, writer, done.Token))).ToList();
        var made = new List<uint>();
        for (var carve = 0; carve < Carves; carve++)
        {
            Volatile.Write(ref _carve, carve);
            await store.CountAsync(KeyRange.All);
            made.AddRange(await store.Shards.CarveAsync(
                [.. Enumerable.Range(0, ShardsACarve).Select(i => Bytes(Prefix(carve, i)))], default));
        }

        pauses = merges;
        foreach (var shard in made.Take(Carves))
        {
            await store.Shards.MergeAsync(shard, default);
        }

        await done.CancelAsync();
        var written = (await Task.WhenAll(writing)).Sum();
        Assert.Equal(Carves, carves.Count);
        Assert.Equal(2 * Carves, merges.Count); // The parent's writers and the child's.
        Assert.Equal(written, await store.CountAsync(KeyRange.All));
        output.WriteLine($"{written} writes; carves of {ShardsACarve}: {Text(carves)}; merges: {Text(merges)}");
    }

    private async Task<long> WriteUntilAsync(TrieStore store, int writer, CancellationToken done)
    {
        var value = new byte[100];
        var options = new WriteOptions { Durability = Durability.Strict };
        var written = 0;
        while (!done.IsCancellationRequested)
        {
            var prefix = Prefix(Volatile.Read(ref _carve), written % ShardsACarve);
            await store.PutAsync(Bytes($"{prefix}{writer:D2}{written++:D8}"), value, options, CancellationToken.None);
        }

        return written;
    }

    private static string Prefix(int carve, int i) => string.Create(CultureInfo.InvariantCulture, $"{carve:D3}{i}");

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.ASCII.GetBytes(text);

    private static string Text(List<double> ms)
    {
        ms.Sort();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{ms.Count} pauses, median {ms[ms.Count / 2]:F1} ms, p90 {ms[ms.Count * 9 / 10]:F1}, longest {ms[^1]:F1}");
    }
}
