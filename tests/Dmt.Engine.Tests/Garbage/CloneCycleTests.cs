using System.Globalization;
using Dmt.Core;

namespace Dmt.Engine.Tests.Garbage;

/// <summary>Random work on a store, a clone of it and a clone of that, all collecting as they go.</summary>
public sealed class CloneCycleTests
{
    private const int Cycles = 300;

    private static readonly string[] Roots = ["a", "b", "c"];

    [Fact]
    public async Task Nothing_that_any_store_of_a_chain_of_clones_needs_is_ever_deleted()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var fixture = new GarbageFixture();
        var connections = Roots.Select(fixture.Connect).ToArray();
        var stores = new TrieStore?[Roots.Length];
        var models = new SortedDictionary<string, string>[Roots.Length];
        try
        {
            for (var i = 0; i < Roots.Length; i++)
            {
                models[i] = i == 0 ? new(StringComparer.Ordinal) : new(models[i - 1], StringComparer.Ordinal);
                if (i > 0)
                {
                    await stores[i - 1]!.CheckpointAsync("c");
                    await TrieStore.CloneAsync(connections[i - 1], "c", Roots[i], fixture.Time);
                }

                stores[i] = await fixture.OpenAsync(connections[i]);
                for (var n = 0; n < 20; n++)
                {
                    await StepAsync(i);
                }
            }

            for (var cycle = 0; cycle < Cycles; cycle++)
            {
                await StepAsync(random.Next(Roots.Length));
            }

            foreach (var (store, model) in stores.Zip(models))
            {
                Assert.Equal(model, await GarbageFixture.ReadAsync(store!));
            }

            Assert.All(connections, static connection => Assert.Empty(connection.Violations));

            // In the order of the chain, from its end: then every pin can go.
            for (var i = Roots.Length - 1; i >= 0; i--)
            {
                await stores[i]!.DeleteCheckpointAsync("c");
                await stores[i]!.CompactAsync();
                fixture.Time.Advance(3 * GarbageFixture.AgeMin);
                await stores[i]!.CollectGarbageAsync();
                await stores[i]!.DisposeAsync();
                stores[i] = null;
            }

            Assert.DoesNotContain(await fixture.NamesAsync(""), static name => name.Contains(
                "checkpoints/", StringComparison.Ordinal));
        }
        catch (Exception e)
        {
            throw new Xunit.Sdk.XunitException($"seed {seed}: {e}");
        }

        async Task StepAsync(int i)
        {
            var store = stores[i]!;
            switch (random.Next(10))
            {
                case < 5:
                    for (var n = 0; n < 30; n++)
                    {
                        var key = random.Next(400).ToString("D4", CultureInfo.InvariantCulture);
                        models[i][key] = random.Next().ToString(CultureInfo.InvariantCulture);
                        await store.PutAsync(key, models[i][key]);
                    }

                    break;
                case 5:
                    await store.FlushAsync();
                    break;
                case 6:
                    await store.CompactAsync();
                    break;
                case 7:
                    fixture.Time.Advance(GarbageFixture.AgeMin);
                    await store.CollectGarbageAsync();
                    break;
                case 8:
                    await store.DisposeAsync();
                    stores[i] = await fixture.OpenAsync(connections[i]);
                    break;
                default:
                    Assert.Equal(models[i], await GarbageFixture.ReadAsync(store));
                    break;
            }
        }
    }
}
