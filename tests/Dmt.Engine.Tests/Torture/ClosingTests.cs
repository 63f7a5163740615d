using System.Text;
using Dmt.Core;
using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Tests.Torture;

/// <summary>Closing a store while it is in use: whatever is under way completes, or ends with Closed.</summary>
public sealed class ClosingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60); // a hang must fail the test, not the run

    [Fact]
    public async Task Operations_in_flight_complete_or_end_with_Closed()
    {
        for (var round = 0; round < 5; round++)
        {
            using var directory = new TemporaryDirectory();
            var store = await TrieStore.OpenAsync(directory.Path, TinyOptions.Create());
            var scan = store.OpenScan();
            var started = new CountdownEvent(7);
            List<Task<DmtErrorKind?>> users =
            [
                UseAsync(n => store.PutAsync(Key(n), new byte[2000]).AsTask()),
                UseAsync(
                    n => store.PutAsync(Key(n), new byte[2000], new() { Durability = Durability.Strict }).AsTask()),
                UseAsync(n => store.GetAsync(Key(n)).AsTask()),
                UseAsync(_ => store.ScanAsync(new ScanRequest { Limit = 100 }).AsTask()),
                UseAsync(_ => store.FlushAsync().AsTask()),
                UseAsync(_ => store.CompactAsync().AsTask()),
                UseAsync(_ => store.StatAsync().AsTask()),
            ];
            started.Wait();
            await store.DisposeAsync().AsTask().WaitAsync(Patience);
            Assert.All(
                await Task.WhenAll(users).WaitAsync(Patience), static kind => Assert.Equal(DmtErrorKind.Closed, kind));
            scan.Dispose();

            Task<DmtErrorKind?> UseAsync(Func<int, Task> use) => Task.Run(async () =>
            {
                for (var n = 0; ; n++)
                {
                    try
                    {
                        await use(n);
                    }
                    catch (DmtException e)
                    {
                        return (DmtErrorKind?)e.Kind;
                    }

                    if (n == 2)
                    {
                        started.Signal();
                    }
                }
            });
        }
    }

    [Fact]
    public async Task Writers_that_wait_for_flushes_end_when_the_store_closes()
    {
        using var directory = new TemporaryDirectory();
        await using var objects = new MemoryObjectStore(TimeProvider.System);
        var failing = new FailingObjectStore(objects);
        var gate = new TaskCompletionSource();
        var log = Path.Combine(directory.Path, "log");
        var store = await TrieStore.OpenAsync(
            failing, new FileLogStore(log, new FileLogOptions(), TimeProvider.System), TinyOptions.Create(),
            TimeProvider.System, EngineScheduler.ThreadPool, null, default);
        failing.BeforeCreate = name =>
            name.Contains("/manifest/", StringComparison.Ordinal) ? gate.Task : Task.CompletedTask;
        var writer = Task.Run(async () =>
        {
            for (var n = 0; ; n++)
            {
                await store.PutAsync(Key(n), new byte[20_000]);
            }
        });
        var closing = store.DisposeAsync().AsTask();
        gate.SetResult();
        var error = await Assert.ThrowsAsync<DmtException>(() => writer.WaitAsync(Patience));
        Assert.Equal(DmtErrorKind.Closed, error.Kind);
        await closing.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_scan_reads_on_after_flush_compaction_and_close()
    {
        using var directory = new TemporaryDirectory();
        var store = await TrieStore.OpenAsync(directory.Path, TinyOptions.Create());
        for (var n = 0; n < 1000; n++)
        {
            await store.PutAsync(Key(n), Encoding.UTF8.GetBytes($"value {n}"));
        }

        using var scan = store.OpenScan();
        Assert.True(await scan.MoveNextAsync());
        for (var n = 0; n < 1000; n++)
        {
            await store.PutAsync(Key(n), "new"u8.ToArray());
        }

        await store.CompactAsync();
        await store.DisposeAsync();
        for (var n = 1; n < 1000; n++)
        {
            Assert.True(await scan.MoveNextAsync());
            Assert.Equal($"value {n}", Encoding.UTF8.GetString(scan.Value));
        }

        Assert.False(await scan.MoveNextAsync());
    }

    private static byte[] Key(int n) => Encoding.UTF8.GetBytes($"key{n % 2000:D6}");
}
