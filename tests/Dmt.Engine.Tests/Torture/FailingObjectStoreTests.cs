using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Tests.Torture;

/// <summary>
/// One call to the object store fails, whichever it is, before or after it took effect: nothing acknowledged is lost,
/// and the store goes on by itself.
/// </summary>
public sealed class FailingObjectStoreTests
{
    private const int Rounds = 6;
    private const int PutsPerRound = 40;

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Any_single_failure_loses_nothing(bool afterEffect, bool crash)
    {
        var calls = int.MaxValue;
        for (var failAt = 1; failAt <= calls; failAt++)
        {
            try
            {
                calls = await RunAsync(failAt, afterEffect, crash);
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"call {failAt} failed, after effect {afterEffect}, crash {crash}: {e}");
            }
        }

        Assert.True(calls > 50, $"{calls} calls are too few to mean much");
    }

    /// <returns>How many calls the scenario made.</returns>
    private static async Task<int> RunAsync(int failAt, bool afterEffect, bool crash)
    {
        using var directory = new TemporaryDirectory();
        await using var objects = new MemoryObjectStore(TimeProvider.System);
        var expected = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var failing = new FailingObjectStore(objects) { FailAt = failAt, AfterEffect = afterEffect };
        var log = Path.Combine(directory.Path, "log");
        var store = await OpenAsync(failing, log);
        for (var round = 0; round < Rounds; round++)
        {
            await WriteAsync(store, round, expected);
            await RetryOnceAsync(() => round == 3 ? store.CompactAsync() : store.FlushAsync());
            Assert.Equal(expected, await ReadAsync(store));
        }

        Assert.Null((await store.StatAsync()).WritesRefused);
        await WriteAsync(store, Rounds, expected);
        var calls = failing.Calls;
        if (crash)
        {
            failing.CutOff();
            await store.SyncAsync();
            StoreFolder.CopyTo(log, log + "-copy");
            await store.DisposeAsync();
            log += "-copy";
        }
        else
        {
            await store.DisposeAsync();
        }

        await using (var reopened = await OpenAsync(new FailingObjectStore(objects), log))
        {
            Assert.Equal(expected, await ReadAsync(reopened));
            await reopened.CompactAsync();
            Assert.Equal(expected, await ReadAsync(reopened));
        }

        await using var again = await OpenAsync(new FailingObjectStore(objects), log);
        Assert.Equal(expected, await ReadAsync(again));
        return calls;
    }

    /// <summary>Writes go to memory and the log, so no failure of the object store may refuse them.</summary>
    private static async Task WriteAsync(TrieStore store, int round, SortedDictionary<string, string> expected)
    {
        for (var i = 0; i < PutsPerRound; i++)
        {
            var (key, value) = ($"key{(i * 7) + round:D4}", $"value {round} {i}");
            await store.PutAsync(key, value);
            expected[key] = value;
        }

        await store.DeleteRangeAsync(KeyRange.Prefix(Encoding.UTF8.GetBytes($"key00{round}")));
        foreach (var key in expected.Keys.Where(k => k.StartsWith($"key00{round}", StringComparison.Ordinal)).ToList())
        {
            expected.Remove(key);
        }
    }

    private static async Task<TrieStore> OpenAsync(FailingObjectStore objects, string log)
    {
        var options = TinyOptions.Create() with { Level0CompactionTables = 2 };
        try
        {
            return await TrieStore.OpenAsync(
                objects, new FileLogStore(log, new FileLogOptions(), TimeProvider.System), options, TimeProvider.System,
                EngineScheduler.ThreadPool, null, default);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
        {
            return await TrieStore.OpenAsync(
                objects, new FileLogStore(log, new FileLogOptions(), TimeProvider.System), options, TimeProvider.System,
                EngineScheduler.ThreadPool, null, default);
        }
    }

    private static async Task RetryOnceAsync(Func<ValueTask> call)
    {
        try
        {
            await call();
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
        {
            await call();
        }
    }

    private static async Task<SortedDictionary<string, string>> ReadAsync(TrieStore store)
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        await RetryOnceAsync(async () =>
        {
            found.Clear();
            await foreach (var (key, entry) in store.EnumerateAsync(new ScanRequest()))
            {
                found.Add(Encoding.UTF8.GetString(key.Span), Encoding.UTF8.GetString(entry.Value.Span));
            }
        });
        return found;
    }
}
