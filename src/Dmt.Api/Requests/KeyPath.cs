using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Dmt.Api.Requests;

/// <summary>
/// Keys in paths. The server decodes a path before routing: %2E%2E becomes a step up, %2F stays as it is, bytes that
/// are no UTF-8 stay encoded. So a key is taken from the request target as it came, and routing sees a placeholder in
/// its place.
/// </summary>
internal static class KeyPath
{
    public const string Kv = "/kv/";
    public const string BulkPrefix = "/bulk/prefix/";

    private static readonly PathString KvPlaceholder = new("/kv/-");
    private static readonly PathString BulkPrefixPlaceholder = new("/bulk/prefix/-");

    /// <summary>To be called before routing.</summary>
    public static void HideFromRouting(HttpContext context)
    {
        var path = RawPath(context);
        if (path.StartsWith(Kv, StringComparison.OrdinalIgnoreCase))
        {
            context.Request.Path = KvPlaceholder;
        }
        else if (path.StartsWith(BulkPrefix, StringComparison.OrdinalIgnoreCase))
        {
            context.Request.Path = BulkPrefixPlaceholder;
        }
    }

    /// <summary>
    /// The bytes of the key, decoded but not checked; null where the target came here by a detour (/x/../kv/y).
    /// </summary>
    /// <param name="context">The request.</param>
    /// <param name="route"><see cref="Kv"/> or <see cref="BulkPrefix"/>.</param>
    /// <param name="what">What it is called in messages.</param>
    public static byte[]? Read(HttpContext context, string route, string what)
    {
        var path = RawPath(context);
        return path.StartsWith(route, StringComparison.OrdinalIgnoreCase)
            ? PercentEncoding.Decode(path[route.Length..], plusIsSpace: false, what)
            : null;
    }

    private static ReadOnlySpan<char> RawPath(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.AsSpan();
        if (target.IsEmpty)
        {
            return context.Request.Path.Value;
        }

        if (target[0] != '/' && target.IndexOf("://", StringComparison.Ordinal) is var scheme and > 0)
        {
            var host = target[(scheme + 3)..];
            target = host.IndexOf('/') is var slash and >= 0 ? host[slash..] : "/";
        }

        return target.IndexOf('?') is var query and >= 0 ? target[..query] : target;
    }
}
