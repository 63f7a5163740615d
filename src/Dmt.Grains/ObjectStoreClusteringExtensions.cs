using Dmt.Engine.Objects;
using Dmt.Grains.Membership;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Messaging;

namespace Dmt.Grains;

/// <summary>Cluster membership in an object store: nothing but the bucket is needed beside the silos.</summary>
public static class ObjectStoreClusteringExtensions
{
    /// <summary>Keeps the cluster's membership in <paramref name="store"/>, which the caller disposes.</summary>
    public static ISiloBuilder UseObjectStoreClustering(
        this ISiloBuilder builder, IObjectStore store, Action<ObjectStoreClusteringOptions>? configure = null) =>
        builder.ConfigureServices(services => services
            .AddKeyedSingleton(ObjectStoreClusteringOptions.StoreKey, store).AddMembershipTable(configure));

    /// <summary>Keeps the cluster's membership in the store that is made here, which the host disposes.</summary>
    public static ISiloBuilder UseObjectStoreClustering(
        this ISiloBuilder builder,
        Func<IServiceProvider, IObjectStore> store,
        Action<ObjectStoreClusteringOptions>? configure = null) =>
        builder.ConfigureServices(services => services.AddStore(store).AddMembershipTable(configure));

    /// <summary>Finds the cluster's gateways in <paramref name="store"/>, which the caller disposes.</summary>
    public static IClientBuilder UseObjectStoreClustering(
        this IClientBuilder builder, IObjectStore store, Action<ObjectStoreClusteringOptions>? configure = null) =>
        builder.ConfigureServices(services => services
            .AddKeyedSingleton(ObjectStoreClusteringOptions.StoreKey, store).AddGatewayList(configure));

    /// <summary>Finds the cluster's gateways in the store that is made here, which the host disposes.</summary>
    public static IClientBuilder UseObjectStoreClustering(
        this IClientBuilder builder,
        Func<IServiceProvider, IObjectStore> store,
        Action<ObjectStoreClusteringOptions>? configure = null) =>
        builder.ConfigureServices(services => services.AddStore(store).AddGatewayList(configure));

    private static IServiceCollection AddStore(
        this IServiceCollection services, Func<IServiceProvider, IObjectStore> store) =>
        services.AddKeyedSingleton(ObjectStoreClusteringOptions.StoreKey, (provider, _) => store(provider));

    private static void AddMembershipTable(
        this IServiceCollection services, Action<ObjectStoreClusteringOptions>? configure) =>
        services.Configure(configure ?? (static _ => { })).AddSingleton<IMembershipTable, ObjectStoreMembershipTable>();

    private static void AddGatewayList(
        this IServiceCollection services, Action<ObjectStoreClusteringOptions>? configure) =>
        services.Configure(configure ?? (static _ => { }))
            .AddSingleton<IGatewayListProvider, ObjectStoreGatewayListProvider>();
}
