using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Dmt.Grains.AzureStorage.Tests;

/// <summary>The built <c>dmt-silo-azure</c>, which the test project's reference lays beside the tests.</summary>
internal static class TestProgram
{
    /// <summary>How to start one on free ports over a folder.</summary>
    public static ProcessStartInfo StartInfo(
        string folder, string storage, string connection, params string[] arguments)
    {
        var start = new BuiltProgram(folder).Isolated(new ProcessStartInfo(
            "dotnet",
            [
                Path.Combine(AppContext.BaseDirectory, "dmt-silo-azure.dll"), "--grain-storage", storage,
                "--port", "0", "--gateway-port", "0", "--silo-port", $"{FreePorts.Take(1)[0]}",
                "--log-level", "warning", .. arguments,
            ]));
        start.Environment["AZURE_STORAGE_CONNECTION_STRING"] = connection;
        return start;
    }

    public static async Task<HttpStatusCode> SplitAsync(ServerProcess silo, params string[] prefixes)
    {
        using var answer = await silo.Client.PostAsJsonAsync("/admin/shards", new { prefixes });
        return answer.StatusCode;
    }

    /// <summary>The shards' prefixes, in order.</summary>
    public static async Task<List<string?>> PrefixesAsync(ServerProcess silo) =>
    [
        .. (await silo.Client.GetFromJsonAsync<JsonElement>("/admin/shards")).GetProperty("shards").EnumerateArray()
            .Select(static shard => shard.GetProperty("prefix").GetString()).Order(StringComparer.Ordinal),
    ];
}
