using System.Collections.Immutable;
using System.Net;
using Dmt.Core;
using Dmt.Engine.Objects;
using Dmt.Silo.Serving;

namespace Dmt.Silo.Tests;

public sealed class ReadinessTests
{
    private static readonly SiloAddress Self = SiloAddress.New(IPAddress.Loopback, 11111, 1);

    [Fact]
    public async Task An_active_member_whose_bucket_answers_is_ready()
    {
        await using var bucket = new MemoryObjectStore(TimeProvider.System);
        Assert.Null(await new SiloReadiness(new Membership(SiloStatus.Active), Self, bucket, TimeProvider.System)
            .CheckAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData(SiloStatus.None)]
    [InlineData(SiloStatus.Joining)]
    [InlineData(SiloStatus.ShuttingDown)]
    [InlineData(SiloStatus.Dead)]
    public async Task A_silo_that_is_no_active_member_is_not_ready(SiloStatus status)
    {
        var readiness = new SiloReadiness(new Membership(status), Self, null, TimeProvider.System);
        var error = await Assert.ThrowsAsync<DmtException>(() => readiness.CheckAsync(CancellationToken.None).AsTask());
        Assert.Equal(
            (DmtErrorKind.Unavailable, $"this silo is no active member of the cluster: {status}"),
            (error.Kind, error.Message));
    }

    [Fact]
    public async Task A_bucket_that_is_gone_makes_it_not_ready()
    {
        var bucket = new MemoryObjectStore(TimeProvider.System);
        await bucket.DisposeAsync();
        var readiness = new SiloReadiness(new Membership(SiloStatus.Active), Self, bucket, TimeProvider.System);
        await Assert.ThrowsAsync<DmtException>(() => readiness.CheckAsync(CancellationToken.None).AsTask());
    }

    private sealed class Membership(SiloStatus status) : IClusterMembershipService
    {
        public ClusterMembershipSnapshot CurrentSnapshot { get; } = new(
            status == SiloStatus.None
                ? []
                : ImmutableDictionary<SiloAddress, ClusterMember>.Empty.Add(
                    Self, new ClusterMember(Self, status, "node-1")),
            new MembershipVersion(1));

        public IAsyncEnumerable<ClusterMembershipSnapshot> MembershipUpdates => throw new NotSupportedException();

        public ValueTask Refresh(MembershipVersion minimumVersion, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<bool> TryKill(SiloAddress siloAddress) => throw new NotSupportedException();
    }
}
