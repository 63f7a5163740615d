using System.Globalization;
using Dmt.Core;
using Dmt.Engine.Objects;
using Dmt.Grains.Membership;
using static Dmt.Grains.Tests.Membership.MembershipFixture;

namespace Dmt.Grains.Tests.Membership;

/// <summary>
/// Many writers of one table over a store that fails calls before they take effect and loses replies to calls that did:
/// whatever was acknowledged is there, versions are contiguous, each change is one version.
/// </summary>
public sealed class ConcurrentUpdatesTests
{
    [Theory]
    [InlineData(4, 40, 0)]
    [InlineData(8, 25, 10)]
    [InlineData(16, 12, 25)]
    public async Task Concurrent_updaters_with_faults_lose_no_update(int writers, int updates, int faultPercent)
    {
        var seed = Environment.GetEnvironmentVariable("DMT_SEED") is { } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : Random.Shared.Next();
        try
        {
            await RunAsync(writers, updates, faultPercent, seed);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"with DMT_SEED={seed}: {e.Message}", e);
        }
    }

    private static async Task RunAsync(int writers, int updates, int faultPercent, int seed)
    {
        var store = Store();
        var history = new RecordingStore(store);
        var silos = Enumerable.Range(0, writers).Select(_ => Silo()).ToArray();
        var acknowledged = await Task.WhenAll(silos.Select((silo, i) => Task.Run(
            () => WriteAsync(history, silo, updates, faultPercent, new Random(seed + i)))));

        // Each writer counts in its row's port. What it was told is done is there.
        var final = await Table(store).ReadAll();
        for (var i = 0; i < writers; i++)
        {
            Assert.Equal(updates, acknowledged[i]);
            Assert.Equal(updates, final.TryGet(silos[i])!.Item1.ProxyPort);
        }

        // Every number was written once; each version is the one before with one row changed or added.
        var versions = history.Versions;
        Assert.Equal(Enumerable.Range(1, final.Version.Version), versions.Keys);
        foreach (var (version, table) in versions)
        {
            var before = version == 1 ? [] : versions[version - 1].Rows;
            var changed = table.Rows.Where(row => row.Changed == version).ToList();
            Assert.Single(changed);
            Assert.Equal(
                before.Where(row => row.Address != changed[0].Address).Select(row => (row.Address, row.Changed)),
                table.Rows.Where(row => row != changed[0]).Select(row => (row.Address, row.Changed)));
            var old = before.SingleOrDefault(row => row.Address == changed[0].Address)?.ProxyPort ?? 0;
            Assert.Equal(old + 1, changed[0].ProxyPort);
        }

        // A lost reply is recognised, so no update was done twice.
        Assert.Equal(writers * updates, final.Version.Version);
    }

    /// <summary>Counts up in its own row, as a silo does: reads, changes, and on failure reads again.</summary>
    private static async Task<int> WriteAsync(
        IObjectStore shared, SiloAddress silo, int updates, int faultPercent, Random random)
    {
        var faulty = new FaultyObjectStore(shared)
        {
            FailsBefore = _ => random.Next(100) < faultPercent,
            FailsAfter = _ => random.Next(100) < faultPercent,
        };
        var table = Table(faulty);
        var done = 0;
        while (done < updates)
        {
            try
            {
                var data = await table.ReadAll();
                var row = data.TryGet(silo);
                done = row?.Item1.ProxyPort ?? 0;
                if (done == updates)
                {
                    break;
                }

                var entry = row?.Item1 ?? Entry(silo: silo);
                entry.ProxyPort = done + 1;
                await Task.Yield();
                done += (row is null
                    ? await table.InsertRow(entry, data.Version.Next())
                    : await table.UpdateRow(entry, row.Item2, data.Version.Next())) ? 1 : 0;
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
            {
                // Neither done nor not done, for all the writer knows: it reads again.
                continue;
            }
        }

        return done;
    }

    /// <summary>Keeps every version as it was created first.</summary>
    private sealed class RecordingStore(MemoryObjectStore inner) : IObjectStore
    {
        public SortedDictionary<int, MembershipSnapshot> Versions { get; } = [];

        public string Description => inner.Description;

        public ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default) =>
            inner.GetAsync(name, cancellationToken);

        public IObjectReader OpenRead(string name, long length) => inner.OpenRead(name, length);

        public ValueTask PutAsync(
            string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
            inner.PutAsync(name, content, cancellationToken);

        public ValueTask<bool> TryCreateAsync(
            string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
        {
            var version = int.Parse(name[^16..], CultureInfo.InvariantCulture);

            // As one step: whoever waited between creating and keeping would be overtaken.
            lock (Versions)
            {
                var creation = inner.TryCreateAsync(name, content, cancellationToken);
                var created = creation.IsCompletedSuccessfully
                    ? creation.Result
                    : throw new InvalidOperationException("a store in memory is expected to answer at once");

                // A number comes twice only where a stalled writer takes one that is long past; nobody must believe it.
                if (created
                    && !Versions.TryAdd(version, MembershipCodec.Decode(content.ToArray(), name, version)))
                {
                    Assert.True(Versions.ContainsKey(version + MembershipObjects.Kept), $"{name} was created twice");
                }

                return ValueTask.FromResult(created);
            }
        }

        public IObjectWriter OpenWrite(string name) => inner.OpenWrite(name);

        public ValueTask DeleteAsync(
            IReadOnlyCollection<string> names, CancellationToken cancellationToken = default) =>
            inner.DeleteAsync(names, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(
            string prefix, string? startAfter = null, CancellationToken cancellationToken = default) =>
            inner.ListAsync(prefix, startAfter, cancellationToken);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
