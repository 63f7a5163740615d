using System.Collections.Concurrent;
using System.Globalization;
using Dmt.Core;
using Dmt.Engine;
using Dmt.Engine.Objects;
using Dmt.Grains.Tests.Membership;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.TestingHost;

namespace Dmt.Grains.Tests.Cluster;

/// <summary>
/// Three silos in this process whose membership is in a shared object store, each behind a line of its own that can be
/// cut; a client that finds its gateways there; grain state in one store that outlives the silos.
/// </summary>
internal sealed class ClusterFixture : IAsyncDisposable
{
    private const string IdSetting = "DmtTestCluster";

    private static readonly ConcurrentDictionary<string, ClusterFixture> All = [];
    private static int s_count;

    private readonly ConcurrentDictionary<string, FaultyObjectStore> _lines = [];
    private readonly string _id = Interlocked.Increment(ref s_count).ToString(CultureInfo.InvariantCulture);
    private TestCluster? _cluster;
    private TrieStore? _state;

    public ClusterFixture(IObjectStore membership)
    {
        Membership = membership;
        All[_id] = this;
    }

    public IObjectStore Membership { get; }

    public TestCluster Cluster => _cluster!;

    public TrieStore State => _state!;

    public async Task StartAsync()
    {
        _state = await TrieStore.OpenAsync(new MemoryObjectStore(TimeProvider.System));
        var builder = new TestClusterBuilder(3);
        builder.Options.UseTestClusterMembership = false;
        builder.Options.ConnectionTransport = ConnectionTransportType.TcpSocket;
        // The grain directory of TestingHost holds a lost silo's grains back for 30 s; silos have another by default.
        builder.Options.SiloBuilderConfiguratorTypes.Clear();
        builder.Properties[IdSetting] = _id;
        builder.AddSiloBuilderConfigurator<SiloConfigurator>();
        builder.AddClientBuilderConfigurator<ClientConfigurator>();
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }

    /// <summary>
    /// The silo loses its line to the store and goes down: it cannot say in the table that it leaves, so the others
    /// have to find out.
    /// </summary>
    public async Task CrashAsync(SiloHandle silo)
    {
        _lines[silo.Name].CutOff();

        // It would try to say so for as long as it may take to join.
        Cluster.GetSiloServiceProvider(silo.SiloAddress).GetRequiredService<IOptions<ClusterMembershipOptions>>().Value
            .MaxJoinAttemptTime = TimeSpan.FromSeconds(1);
        await Cluster.KillSiloAsync(silo);
    }

    /// <summary>Waits until <paramref name="observer"/> sees members that <paramref name="seen"/> accepts.</summary>
    public async Task WhenAsync(SiloHandle observer, Func<ClusterMembershipSnapshot, bool> seen)
    {
        var membership = Cluster.GetSiloServiceProvider(observer.SiloAddress)
            .GetRequiredService<IClusterMembershipService>();
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await foreach (var snapshot in membership.MembershipUpdates.WithCancellation(timeout.Token))
        {
            if (seen(snapshot))
            {
                return;
            }
        }

        throw new InvalidOperationException($"{observer.Name} went down before it saw what was waited for");
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.StopAllSilosAsync();
            await _cluster.DisposeAsync();
        }

        if (_state is not null)
        {
            await _state.DisposeAsync();
        }

        All.TryRemove(_id, out _);
    }

    private static ClusterFixture Of(IConfiguration configuration) => All[configuration[IdSetting]!];

    private sealed class SiloConfigurator : ISiloConfigurator, IHostConfigurator
    {
        public void Configure(IHostBuilder hostBuilder) => hostBuilder.ConfigureAppConfiguration(
            configuration => configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Orleans:GrainStorage:configured:ProviderType"] = "Dmt",
                ["Orleans:GrainStorage:configured:DeleteStateOnClear"] = "false",
                ["Orleans:GrainStorage:configured:Durability"] = "strict",
            }));

        public void Configure(ISiloBuilder siloBuilder)
        {
            var fixture = Of(siloBuilder.Configuration);
            var line = new FaultyObjectStore(fixture.Membership);
            fixture._lines[siloBuilder.Configuration["Orleans:Name"]!] = line;
            siloBuilder.Services.AddSingleton<ITrieStore>(fixture.State);
            siloBuilder.UseObjectStoreClustering(line).AddLsmGrainStorage("coded")
                .Configure<ClusterMembershipOptions>(options =>
                {
                    options.ProbeTimeout = TimeSpan.FromMilliseconds(500);
                    options.NumMissedProbesLimit = 2;
                    options.TableRefreshTimeout = TimeSpan.FromSeconds(2);
                    options.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(1);
                });
        }
    }

    private sealed class ClientConfigurator : IClientBuilderConfigurator
    {
        public void Configure(IConfiguration configuration, IClientBuilder clientBuilder)
        {
            var fixture = Of(configuration);
            clientBuilder.UseObjectStoreClustering(_ => new FaultyObjectStore(fixture.Membership))
                .Configure<GatewayOptions>(options => options.GatewayListRefreshPeriod = TimeSpan.FromSeconds(1));
        }
    }
}
