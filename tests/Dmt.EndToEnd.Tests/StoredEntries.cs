using System.Text.Json;

namespace Dmt.EndToEnd.Tests;

/// <summary>What a server holds, read in one stream.</summary>
internal static class StoredEntries
{
    public static async Task<SortedDictionary<string, string>> ReadAsync(HttpClient client)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/bulk/range?format=ndjson");
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var entries = new SortedDictionary<string, string>(StringComparer.Ordinal);
        while (await reader.ReadLineAsync() is { } line)
        {
            using var entry = JsonDocument.Parse(line);
            entries.Add(
                entry.RootElement.GetProperty("key").GetString()!, entry.RootElement.GetProperty("value").GetString()!);
        }

        return entries;
    }
}
