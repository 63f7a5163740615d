using Dmt.Api.Console;
using Dmt.Api.Endpoints;
using Dmt.Api.Metrics;
using Dmt.Api.OpenApi;
using Dmt.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Dmt.Api;

/// <summary>Puts the HTTP API over an <see cref="ITrieStore"/> into a web application.</summary>
public static class DmtApiExtensions
{
    /// <summary>
    /// Registers what the API needs, and the server's limits. The application registers its <see cref="ITrieStore"/>
    /// itself, and a <see cref="TimeProvider"/> where it is not the system's.
    /// </summary>
    /// <exception cref="DmtException">InvalidArgument when an option is out of range.</exception>
    public static IServiceCollection AddDmtApi(this IServiceCollection services, ApiOptions options)
    {
        options.Validate();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<ApiServices>();
        services.AddSingleton<HttpMetrics>();
        services.AddSingleton<MeterCollector>();
        services.AddSingleton<MetricsPage>();
        services.AddSingleton<ConsolePage>();
        services.AddSingleton<ApiMiddleware>();
        services.AddRouting();
        services.AddOpenApi("v1", ApiDocument.Configure);
        services.Configure<KestrelServerOptions>(server =>
        {
            server.AddServerHeader = false;
            server.Limits.MaxRequestBodySize = Math.Max(options.BodyBytesMax, options.ValueBytesMax);
            server.Limits.MaxRequestLineSize = 2 * ApiMiddleware.TargetCharsMax;
            server.Limits.MaxRequestHeadersTotalSize = 2 * ApiMiddleware.HeaderCharsMax;
        });
        return services;
    }

    /// <summary>
    /// Adds the middleware and maps every call. To be called once, before any middleware that looks at the path; the
    /// store and the options must be registered.
    /// </summary>
    public static WebApplication MapDmtApi(this WebApplication app)
    {
        var services = app.Services;
        var middleware = services.GetRequiredService<ApiMiddleware>();
        var api = services.GetRequiredService<ApiServices>();
        app.Use(next => context => middleware.InvokeAsync(context, next));

        // Explicitly, so that it comes after the middleware, which hides keys from it.
        app.UseRouting();
        new WordEndpoints(api).Map(app);
        new SearchEndpoints(api).Map(app);
        new KvEndpoints(api).Map(app);
        new BulkEndpoints(api).Map(app);
        new RangeEndpoints(api).Map(app);
        new OperationEndpoints(
            api, services.GetRequiredService<MetricsPage>(), services.GetRequiredService<ConsolePage>()).Map(app);
        new AdminEndpoints(api).Map(app);
        new ShardEndpoints(api).Map(app);
        new MatchEndpoints(api).Map(app);
        app.MapOpenApi("/openapi/{documentName}.json");
        return app;
    }
}
