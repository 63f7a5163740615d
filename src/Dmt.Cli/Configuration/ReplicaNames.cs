using System.Globalization;
using System.Text.Json;

namespace Dmt.Cli.Configuration;

/// <summary>The list of replicas: a JSON array of <c>host:port</c>, or the same with commas between.</summary>
internal static class ReplicaNames
{
    public const int Max = 16;

    /// <param name="text">The list; empty for none.</param>
    /// <param name="names">The names with commas between.</param>
    public static bool TryParse(string text, out string names)
    {
        names = "";
        if (Split(text.Trim()) is not { } all || all.Length > Max || all.Distinct().Count() < all.Length
            || !all.All(IsName))
        {
            return false;
        }

        names = string.Join(',', all);
        return true;
    }

    private static string[]? Split(string text)
    {
        if (!text.StartsWith('['))
        {
            return text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        }

        try
        {
            using var list = JsonDocument.Parse(text);
            return list.RootElement.EnumerateArray().All(static name => name.ValueKind == JsonValueKind.String)
                ? [.. list.RootElement.EnumerateArray().Select(static name => name.GetString()!.Trim())]
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool IsName(string name)
    {
        var colon = name.LastIndexOf(':');
        return colon > 0 && !name.Contains(',', StringComparison.Ordinal)
            && ushort.TryParse(name.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port > 0
            && Uri.TryCreate($"http://{name}/", UriKind.Absolute, out var url) && url.Port == port
            && url.PathAndQuery == "/" && url.UserInfo.Length == 0;
    }
}
