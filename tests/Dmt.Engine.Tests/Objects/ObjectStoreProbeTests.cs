using System.Runtime.CompilerServices;
using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Tests.Objects;

public sealed class ObjectStoreProbeTests
{
    /// <summary>Ways to break a promise.</summary>
    public enum Broken
    {
        FirstCreateRefused,
        ConditionIgnored,
        ConditionAnsweredButIgnored,
        ReadsStale,
        ContentWrong,
        RangeFromTheBeginning,
        RangeMissing,
        ListingStale,
        ListingOfWrongLength,
        DeletionIgnored,
        ListingShowsDeleted,
    }

    [Fact]
    public async Task A_good_store_passes_and_is_left_as_it_was()
    {
        await using var store = new MemoryObjectStore(TimeProvider.System);
        await ObjectStoreProbe.RunAsync(store, "0");
        await foreach (var left in store.ListAsync(""))
        {
            Assert.Fail($"{left.Name} was left behind");
        }
    }

    [Theory]
    [InlineData(Broken.FirstCreateRefused, "create-if-absent of the fresh name probe/id was refused", "two owners")]
    [InlineData(Broken.ConditionIgnored, "a second create-if-absent of probe/id succeeded", "two owners")]
    [InlineData(Broken.ConditionAnsweredButIgnored, "was refused and yet replaced the content", "two owners")]
    [InlineData(Broken.ReadsStale, "probe/id, which was just created, is not there", "acknowledged writes")]
    [InlineData(Broken.ContentWrong, "probe/id does not hold what was written", "acknowledged writes")]
    [InlineData(Broken.RangeFromTheBeginning, "a ranged read of probe/id returned other bytes", "acknowledged writes")]
    [InlineData(Broken.RangeMissing, "a ranged read of probe/id, which was just created, failed",
        "acknowledged writes")]
    [InlineData(Broken.ListingStale, "a listing does not show probe/id", "acknowledged writes")]
    [InlineData(Broken.ListingOfWrongLength, "a listing shows probe/id with 0 bytes instead of 8",
        "acknowledged writes")]
    [InlineData(Broken.DeletionIgnored, "probe/id is still there after its deletion", "garbage")]
    [InlineData(Broken.ListingShowsDeleted, "a listing shows probe/id after its deletion", "garbage")]
    public async Task A_broken_store_is_refused_with_what_was_seen_and_why_it_matters(
        Broken how, string seen, string why)
    {
        await using var store = new BrokenStore(how);
        var error = await Assert.ThrowsAsync<DmtException>(() => ObjectStoreProbe.RunAsync(store, "id"));
        Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
        Assert.StartsWith("a broken store cannot hold a DMT store: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(seen, error.Message, StringComparison.Ordinal);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_broken_in_no_way_passes_through_the_wrapper()
    {
        await using var store = new BrokenStore(null);
        await ObjectStoreProbe.RunAsync(store, "id");
    }

    /// <summary>A good store but for one thing.</summary>
    private sealed class BrokenStore(Broken? how) : IObjectStore
    {
        private readonly MemoryObjectStore _good = new(TimeProvider.System);
        private bool _deleted;

        public string Description => "a broken store";

        public async ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default)
        {
            var content = await _good.GetAsync(name, cancellationToken);
            return how switch
            {
                Broken.ReadsStale => null,
                Broken.ContentWrong when content is not null => [.. content, 0],
                _ => content,
            };
        }

        public IObjectReader OpenRead(string name, long length) => how switch
        {
            Broken.RangeMissing => _good.OpenRead(name + "x", length),
            Broken.RangeFromTheBeginning => new FromTheBeginning(_good.OpenRead(name, length)),
            _ => _good.OpenRead(name, length),
        };

        public ValueTask PutAsync(
            string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
            _good.PutAsync(name, content, cancellationToken);

        public async ValueTask<bool> TryCreateAsync(
            string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
        {
            if (how == Broken.FirstCreateRefused)
            {
                return false;
            }

            var created = await _good.TryCreateAsync(name, content, cancellationToken);
            if (!created && how is Broken.ConditionIgnored or Broken.ConditionAnsweredButIgnored)
            {
                await _good.PutAsync(name, content, cancellationToken);
            }

            return created || how == Broken.ConditionIgnored;
        }

        public IObjectWriter OpenWrite(string name) => _good.OpenWrite(name);

        public async ValueTask DeleteAsync(
            IReadOnlyCollection<string> names, CancellationToken cancellationToken = default)
        {
            _deleted = true;
            if (how != Broken.DeletionIgnored)
            {
                await _good.DeleteAsync(names, cancellationToken);
            }
        }

        public async IAsyncEnumerable<ObjectInfo> ListAsync(
            string prefix,
            string? startAfter = null,
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await foreach (var info in _good.ListAsync(prefix, startAfter, cancellationToken))
            {
                if (how != Broken.ListingStale)
                {
                    yield return info with { Length = how == Broken.ListingOfWrongLength ? 0 : info.Length };
                }
            }

            if (_deleted && how == Broken.ListingShowsDeleted)
            {
                yield return new ObjectInfo(prefix, 1, default);
            }
        }

        public ValueTask DisposeAsync() => _good.DisposeAsync();
    }

    private sealed class FromTheBeginning(IObjectReader reader) : IObjectReader
    {
        public string Name => reader.Name;

        public long Length => reader.Length;

        public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            reader.ReadAsync(0, buffer, cancellationToken);

        public ValueTask DisposeAsync() => reader.DisposeAsync();
    }
}
