using System.Globalization;
using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Tests.Log;

/// <summary>An owner that never pauses can be overtaken all the same.</summary>
public sealed class BusyOwnerTests
{
    [Fact]
    public async Task A_successor_seals_the_log_of_an_owner_that_keeps_writing_and_has_all_it_acknowledged()
    {
        // The successor's calls take two turns of the scheduler for each one of the owner's: it cannot catch up.
        await using var objects = new MemoryObjectStore(TimeProvider.System);
        var owner = await TrieStore.OpenAsync(new SharedStore(objects, yields: 0));
        var acknowledged = new int[4];
        var writers = Enumerable.Range(0, acknowledged.Length).Select(writer => Task.Run(async () =>
        {
            var options = new WriteOptions { Durability = Durability.Strict };
            while (true)
            {
                await owner.PutAsync($"{writer}", $"{acknowledged[writer] + 1}", options);
                acknowledged[writer]++;
            }
        })).ToArray();
        await using var successor = await TrieStore.OpenAsync(new SharedStore(objects, yields: 20));
        foreach (var writer in writers)
        {
            var error = await Assert.ThrowsAsync<DmtException>(() => writer);
            Assert.Equal(DmtErrorKind.Fenced, error.Kind);
        }

        for (var writer = 0; writer < acknowledged.Length; writer++)
        {
            var found = await successor.GetTextAsync($"{writer}");
            Assert.InRange(
                int.Parse(found ?? "0", CultureInfo.InvariantCulture), acknowledged[writer], acknowledged[writer] + 1);
        }

        await owner.DisposeAsync();
    }

    /// <summary>A store that two processes share: closing one of them leaves it open. Its calls may be slow.</summary>
    private sealed class SharedStore(IObjectStore inner, int yields) : IObjectStore
    {
        public string Description => inner.Description;

        public async ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default)
        {
            await PauseAsync();
            return await inner.GetAsync(name, cancellationToken);
        }

        public IObjectReader OpenRead(string name, long length) => inner.OpenRead(name, length);

        public ValueTask PutAsync(
            string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
            inner.PutAsync(name, content, cancellationToken);

        public async ValueTask<bool> TryCreateAsync(
            string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
        {
            await PauseAsync();
            return await inner.TryCreateAsync(name, content, cancellationToken);
        }

        public IObjectWriter OpenWrite(string name) => inner.OpenWrite(name);

        public ValueTask DeleteAsync(
            IReadOnlyCollection<string> names, CancellationToken cancellationToken = default) =>
            inner.DeleteAsync(names, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(
            string prefix, string? startAfter = null, CancellationToken cancellationToken = default) =>
            inner.ListAsync(prefix, startAfter, cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private async Task PauseAsync()
        {
            for (var i = 0; i < yields; i++)
            {
                await Task.Yield();
            }
        }
    }
}
