using System.Collections.Concurrent;
using System.Globalization;
using Dmt.Client;
using Dmt.Core;
using Dmt.Engine;
using Dmt.Engine.Objects;
using Dmt.Grains.Shards;
using Dmt.Grains.Tests.Membership;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.TestingHost;

namespace Dmt.Grains.Tests.Shards;

/// <summary>
/// Silos in this process whose shards and whose membership are in one bucket in memory; a client outside of them.
/// </summary>
internal sealed class ShardCluster : IAsyncDisposable
{
    private const string IdSetting = "DmtTestShardCluster";

    private static readonly ConcurrentDictionary<string, ShardCluster> All = [];
    private static int s_count;

    private readonly string _id = Interlocked.Increment(ref s_count).ToString(CultureInfo.InvariantCulture);
    private readonly Action<DmtNodeOptions> _configure;
    private readonly IObjectStore _membership;
    private TestCluster? _cluster;

    private ShardCluster(Action<DmtNodeOptions>? configure)
    {
        _configure = configure ?? (static _ => { });
        _membership = Bucket.OpenSibling("cluster");
        All[_id] = this;
    }

    public MemoryObjectStore Bucket { get; } = new(TimeProvider.System);

    /// <summary>What the engine takes for the time of day.</summary>
    public SharedClock Clock { get; } = new();

    public TestCluster Cluster => _cluster!;

    /// <summary>A client of its own, in the process of the tests.</summary>
    public DmtClient NewClient(DmtClientOptions? options = null) => new(Cluster.GrainFactory, options);

    /// <summary>Awaited before an object of the store is created, with its name.</summary>
    public Func<string, Task> BeforeCreate { get; set; } = static _ => Task.CompletedTask;

    public static async Task<ShardCluster> StartAsync(short silos = 3, Action<DmtNodeOptions>? configure = null)
    {
        var started = new ShardCluster(configure);
        try
        {
            var builder = new TestClusterBuilder(silos);
            builder.Options.UseTestClusterMembership = false;
            builder.Options.ConnectionTransport = ConnectionTransportType.TcpSocket;

            // The grain directory of TestingHost holds a lost silo's grains back; silos have another by default.
            builder.Options.SiloBuilderConfiguratorTypes.Clear();
            builder.Properties[IdSetting] = started._id;
            builder.AddSiloBuilderConfigurator<SiloConfigurator>();
            builder.AddClientBuilderConfigurator<ClientConfigurator>();
            started._cluster = builder.Build();
            await started._cluster.DeployAsync();
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    /// <summary>The silo that has a shard open; null where none has.</summary>
    public SiloHandle? OwnerOf(uint shard) => Cluster.Silos.FirstOrDefault(silo => ShardsOf(silo).Contains(shard));

    /// <summary>The shards that are open on a silo.</summary>
    public IReadOnlyList<uint> ShardsOf(SiloHandle silo) =>
        [.. ServicesOf(silo).GetRequiredService<LocalShards>().All.Select(static one => one.Shard.Id)];

    public ShardNode NodeOf(SiloHandle silo) => ServicesOf(silo).GetRequiredService<SiloNode>().Node;

    public IServiceProvider ServicesOf(SiloHandle silo) => Cluster.GetSiloServiceProvider(silo.SiloAddress);

    /// <summary>Keys that begin with different bytes are in different shards, on all silos.</summary>
    public static Task SplitAsync(IShardAdministration client, params string[] prefixes) =>
        client.SplitShardAsync(
            [.. prefixes.Select(static prefix => (ReadOnlyMemory<byte>)System.Text.Encoding.UTF8.GetBytes(prefix))])
            .AsTask();

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.StopAllSilosAsync();
            await _cluster.DisposeAsync();
        }

        await _membership.DisposeAsync();
        await Bucket.DisposeAsync();
        All.TryRemove(_id, out _);
    }

    private static ShardCluster Of(IConfiguration configuration) => All[configuration[IdSetting]!];

    private sealed class SiloConfigurator : ISiloConfigurator
    {
        public void Configure(ISiloBuilder siloBuilder)
        {
            var cluster = Of(siloBuilder.Configuration);
            siloBuilder.Services.AddKeyedSingleton<TimeProvider>(DmtShardsExtensions.StorageName, cluster.Clock)
                .AddDmtClient();
            siloBuilder.UseObjectStoreClustering(cluster._membership)
                .AddActivityPropagation()
                .AddDmtShards(
                    _ => new FaultyObjectStore(cluster.Bucket.OpenSibling("store"))
                    {
                        BeforeCreate = name => cluster.BeforeCreate(name),
                    },
                    options =>
                    {
                        options.MoveDelay = TimeSpan.FromMilliseconds(200);
                        options.MovePause = TimeSpan.Zero;
                        cluster._configure(options);
                    })
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
        public void Configure(IConfiguration configuration, IClientBuilder clientBuilder) =>
            clientBuilder.UseObjectStoreClustering(Of(configuration)._membership)
                .AddActivityPropagation()
                .Configure<GatewayOptions>(options => options.GatewayListRefreshPeriod = TimeSpan.FromSeconds(1));
    }
}

/// <summary>The time of day as one test after the other sets it; timers and timestamps stay real.</summary>
internal sealed class SharedClock : TimeProvider
{
    private volatile TimeProvider _now = System;

    public void Set(TimeProvider now) => _now = now;

    public override DateTimeOffset GetUtcNow() => _now.GetUtcNow();
}
