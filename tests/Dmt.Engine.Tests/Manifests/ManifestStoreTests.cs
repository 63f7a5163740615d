using Dmt.Core;
using Dmt.Engine.Manifests;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Tests.Manifests;

/// <summary>What the simulation found (tests/Dmt.Simulation), step by step.</summary>
public sealed class ManifestStoreTests
{
    private const uint Shard = 1;

    [Fact]
    public async Task An_owner_stalled_until_its_next_number_was_deleted_is_fenced()
    {
        await using var objects = new MemoryObjectStore(TimeProvider.System);
        var manifests = new ManifestStore(objects, Shard);
        await manifests.WriteAsync(Next(1, 1), CancellationToken.None);
        var successor = 2L;
        for (; successor < 9; successor++)
        {
            await manifests.WriteAsync(Next(successor, 2), CancellationToken.None);
            await objects.DeleteAsync(ManifestStore.Superseded(Shard, successor));
        }

        Assert.Null(await objects.GetAsync(Manifest.NameOf(Shard, 2)));
        var error = await Assert.ThrowsAsync<DmtException>(
            async () => await manifests.WriteAsync(Next(2, 1), CancellationToken.None));
        Assert.Equal(DmtErrorKind.Fenced, error.Kind);
        Assert.Equal(successor - 1, (await manifests.LoadLatestAsync(CancellationToken.None))!.Number);
    }

    private static Manifest Next(long number, ulong epoch) =>
        new() { Shard = Shard, Number = number, Epoch = epoch, Incarnation = $"incarnation{epoch}" };
}
