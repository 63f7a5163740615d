using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Dmt.Api.Console;

/// <summary>
/// The console: one page, whole in itself. Its policy names the hashes of its own style and script, so that nothing
/// else can run or be fetched, whatever a key or a value holds.
/// </summary>
internal sealed class ConsolePage
{
    private const string Resource = "Dmt.Api.Console.console.html";

    private readonly byte[] _page;
    private readonly string _policy;
    private readonly string _etag;

    public ConsolePage()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"the resource {Resource} is missing");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var text = reader.ReadToEnd();
        _page = Encoding.UTF8.GetBytes(text);
        _etag = $"\"{Convert.ToHexStringLower(SHA256.HashData(_page).AsSpan(0, 8))}\"";
        _policy = $"default-src 'none'; style-src {Hash(text, "style")}; script-src {Hash(text, "script")}; "
            + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    }

    public async Task WriteAsync(HttpContext context)
    {
        var response = context.Response;
        response.Headers.ETag = _etag;
        response.Headers.CacheControl = "no-cache";
        if (Requests.Preconditions.IsNotModified(context.Request.Headers.IfNoneMatch, _etag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = _page.Length;
        response.Headers.ContentSecurityPolicy = _policy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.BodyWriter.WriteAsync(_page, context.RequestAborted);
        }
    }

    private static string Hash(string page, string element)
    {
        var start = page.IndexOf($"<{element}>", StringComparison.Ordinal) + element.Length + 2;
        var end = page.IndexOf($"</{element}>", start, StringComparison.Ordinal);
        return $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(page[start..end])))}'";
    }
}
