using Dmt.Client;
using Dmt.Engine.Objects;
using Dmt.Grains;
using Dmt.Hosting.Serving;
using Dmt.Silo.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;

namespace Dmt.Silo.Serving;

/// <summary>The Orleans part: membership, the shards that this silo owns, and a client of all of them.</summary>
internal static class SiloHost
{
    /// <param name="settings">What to run with.</param>
    /// <param name="addGrainStorage">Puts the state of grains elsewhere.</param>
    /// <param name="frameworkLogs">As <see cref="ServerLog.Configure"/>.</param>
    public static IHost Build(SiloSettings settings, Action<ISiloBuilder> addGrainStorage, Func<bool> frameworkLogs)
    {
        // Empty: nothing of .NET's own configuration files and variables may change what the silo does.
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        ServerLog.Configure(builder.Logging, settings.LogLevel, frameworkLogs);
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = settings.StopTimeout);
        builder.UseOrleans(silo =>
        {
            silo.Configure<SiloOptions>(options => options.SiloName = settings.Name);
            AddMembership(silo, settings);
            AddStore(silo, settings);
            addGrainStorage(silo);
            if (settings.OtlpEndpoint is not null)
            {
                silo.AddActivityPropagation();
            }
        });
        return builder.Build();
    }

    private static void AddMembership(ISiloBuilder silo, SiloSettings settings)
    {
        if (settings.Clustering == Clustering.Localhost)
        {
            silo.UseLocalhostClustering(
                settings.SiloPort, settings.GatewayPort, null, settings.ServiceId, settings.ClusterId);
        }
        else
        {
            silo.UseObjectStoreClustering(_ => OpenStore(settings));
            if (settings.AdvertisedAddress is { } address)
            {
                silo.ConfigureEndpoints(address, settings.SiloPort, settings.GatewayPort);
            }
            else
            {
                silo.ConfigureEndpoints(settings.SiloPort, settings.GatewayPort);
            }
        }

        silo.Configure<ClusterOptions>(options =>
        {
            options.ClusterId = settings.ClusterId;
            options.ServiceId = settings.ServiceId;
        });
        silo.Configure<ClusterMembershipOptions>(options =>
        {
            options.ProbeTimeout = settings.ProbeTimeout;
            options.NumMissedProbesLimit = settings.ProbesMissedMax;
        });
    }

    private static void AddStore(ISiloBuilder silo, SiloSettings settings)
    {
        silo.AddDmtShards(_ => OpenStore(settings), options =>
        {
            options.Engine = settings.ToEngineOptions();
            options.ShardBytesMax = settings.ShardBytesMax;
            options.ShardLoadMax = settings.ShardLoadMax;
            options.Replicas = settings.ShardReplicas;
        });
        silo.Services.AddDmtClient();
    }

    /// <summary>The bucket, or the folder of a silo that is alone. Asks it nothing.</summary>
    public static IObjectStore OpenStore(SiloSettings settings) =>
        settings.ToBucket() is { } bucket
            ? BucketOpening.Open(bucket)
            : new DirectoryObjectStore(settings.StoreName, TimeProvider.System);
}
