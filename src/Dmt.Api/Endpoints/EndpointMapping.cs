using Dmt.Api.OpenApi;
using Dmt.Api.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dmt.Api.Endpoints;

/// <summary>A call's handler, with its query parameters read and checked.</summary>
internal delegate Task ApiHandler(HttpContext context, Query query);

internal static class EndpointMapping
{
    public static void MapCall(
        this IEndpointRouteBuilder routes, string[] methods, string pattern, ApiCall call, ApiHandler handler)
    {
        RequestDelegate run = context => handler(context, Query.Read(context.Request.QueryString.Value, call));

        // The method's metadata is what makes the framework's description provider see a plain request delegate.
        routes.MapMethods(pattern, methods, run).WithMetadata(call, handler.Method).WithName(call.Id);
    }
}
