using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Testing;

/// <summary>Random operations, compared with <see cref="ModelTrieStore"/> after each.</summary>
public abstract partial class TrieStoreConformance
{
    private const int Operations = 2000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Random_operations_agree_with_the_model(int seed)
    {
        var clock = new ManualClock();
        await using var store = await OpenAsync(clock);
        await using var model = new ModelTrieStore(clock);
        var walk = new RandomWalk(store, model, clock, new Random(seed), HasManyShards);
        for (var n = 0; n < Operations; n++)
        {
            try
            {
                await walk.StepAsync();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}, operation {n}, {walk.Last}: {e.Message}", e);
            }
        }
    }

    /// <summary>
    /// The same operations on both sides. Versions may differ between them, but not in what they mean: each side's
    /// condition is made from its own version.
    /// </summary>
    private sealed class RandomWalk(
        ITrieStore store, ModelTrieStore model, ManualClock clock, Random random, bool hasManyShards)
    {
        private const string Letters = "ab/é";

        public string Last { get; private set; } = "";

        public Task StepAsync() => random.Next(100) switch
        {
            < 35 => PutAsync(),
            < 45 => DeleteAsync(),
            < 50 => DeleteRangeAsync(),
            < 60 => BatchAsync(),
            < 65 => AdvanceAsync(),
            < 80 => GetAsync(),
            < 95 => ScanAsync(),
            _ => CountAsync(),
        };

        private async Task PutAsync()
        {
            var key = RandomKey();
            var options = new WriteOptions
            {
                TimeToLive = random.Next(4) == 0 ? TimeSpan.FromMilliseconds(random.Next(1, 5000)) : null,
                Metadata = random.Next(3) == 0 ? Bytes($"m{random.Next(10)}") : default,
            };
            var value = Bytes(new string('v', random.Next(40)) + random.Next());
            Last = $"put {Key.ToDisplay(key)}";
            var kind = (WriteCondition.Kinds)random.Next(4);
            var stale = random.Next(3) == 0;
            await SameOutcomeAsync(async side =>
                await side.PutAsync(
                    key, value, options with { Condition = await ConditionAsync(side, key, kind, stale) }));
        }

        private async Task DeleteAsync()
        {
            var key = RandomKey();
            Last = $"delete {Key.ToDisplay(key)}";
            var kind = (WriteCondition.Kinds)random.Next(4);
            await SameOutcomeAsync(async side =>
                await side.DeleteAsync(
                    key, new WriteOptions { Condition = await ConditionAsync(side, key, kind, false) }));
        }

        private Task DeleteRangeAsync()
        {
            var range = random.Next(3) == 0 ? KeyRange.Prefix(RandomKey()) : RandomRange();
            Last = "delete range";
            return SameOutcomeAsync(async side => await side.DeleteRangeAsync(range));
        }

        private Task BatchAsync()
        {
            Last = "batch";
            var batch = new WriteBatch();
            for (var i = random.Next(1, 8); i > 0; i--)
            {
                var key = RandomKey();
                var condition = random.Next(8) == 0 && !hasManyShards ? WriteCondition.Absent : WriteCondition.None;
                _ = random.Next(4) switch
                {
                    0 => batch.Delete(key, condition),
                    1 => batch.DeleteRange(KeyRange.Prefix(key)),
                    _ => batch.Put(key, Bytes($"b{random.Next()}"), condition: condition),
                };
            }

            return SameOutcomeAsync(async side => await side.WriteAsync(batch));
        }

        private Task AdvanceAsync()
        {
            Last = "advance";
            clock.Advance(TimeSpan.FromMilliseconds(random.Next(2000)));
            return Task.CompletedTask;
        }

        private async Task GetAsync()
        {
            var key = RandomKey();
            Last = $"get {Key.ToDisplay(key)}";
            Assert.Equal(Describe(await model.GetAsync(key)), Describe(await store.GetAsync(key)));
        }

        private async Task ScanAsync()
        {
            var request = new ScanRequest
            {
                Range = random.Next(2) == 0 ? RandomRange() : KeyRange.Prefix(RandomKey()),
                Limit = random.Next(1, 50),
                Reverse = random.Next(2) == 0,
                KeysOnly = random.Next(4) == 0,
            };
            Last = $"scan {request}";
            Assert.Equal(await DescribeAsync(model, request), await DescribeAsync(store, request));
        }

        private async Task CountAsync()
        {
            var range = RandomRange();
            Last = "count";
            Assert.Equal(await model.CountAsync(range), await store.CountAsync(range));
        }

        /// <summary>
        /// Short keys from few letters, so that they meet; now and then with bytes that are no UTF-8.
        /// </summary>
        private byte[] RandomKey()
        {
            if (random.Next(20) == 0)
            {
                return [255, (byte)random.Next(256)];
            }

            return Bytes(new string(random.GetItems<char>(Letters, random.Next(1, 6))));
        }

        private KeyRange RandomRange() =>
            new(
                random.Next(4) == 0 ? default : RandomKey(),
                random.Next(4) == 0 ? (ReadOnlyMemory<byte>?)null : RandomKey());

        private static async Task<WriteCondition> ConditionAsync(
            ITrieStore side, byte[] key, WriteCondition.Kinds kind, bool stale)
        {
            switch (kind)
            {
                case WriteCondition.Kinds.Absent:
                    return WriteCondition.Absent;
                case WriteCondition.Kinds.Present:
                    return WriteCondition.Present;
                case WriteCondition.Kinds.VersionIs:
                    var version = (await side.GetAsync(key))?.Version ?? 1;
                    return WriteCondition.VersionIs(stale ? version + 1_000_000 : version);
                default:
                    return WriteCondition.None;
            }
        }

        private async Task SameOutcomeAsync(Func<ITrieStore, Task> write)
        {
            Assert.Equal(await OutcomeAsync(model), await OutcomeAsync(store));

            async Task<DmtErrorKind?> OutcomeAsync(ITrieStore side)
            {
                try
                {
                    await write(side);
                    return null;
                }
                catch (DmtException e)
                {
                    return e.Kind;
                }
            }
        }

        private static async Task<List<string>> DescribeAsync(ITrieStore side, ScanRequest request)
        {
            var rows = new List<string>();
            await foreach (var (key, entry) in side.EnumerateAsync(request))
            {
                rows.Add($"{Key.ToDisplay(key.Span)} {Describe(entry)}");
            }

            return rows;
        }

        private static string Describe(Entry? entry) => entry is { } e
            ? $"{Text(e.Value)} [{Text(e.Metadata)}] {e.ExpiresAt:O}"
            : "absent";
    }
}
