namespace Dmt.Hosting.Configuration;

/// <summary>Addresses of servers.</summary>
internal static class HttpUrl
{
    /// <summary>Reads an absolute URL with <c>http://</c> or <c>https://</c>.</summary>
    public static bool TryParse(string text, out Uri? url) =>
        Uri.TryCreate(text, UriKind.Absolute, out url) && url.Scheme is "http" or "https" && url.Host.Length > 0;
}
