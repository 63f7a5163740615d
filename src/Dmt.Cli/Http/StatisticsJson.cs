using System.Text.Json;

namespace Dmt.Cli.Http;

/// <summary>
/// How <see cref="Core.StoreStatistics"/> stand in JSON, at <c>/api/v1/stat</c> and in <c>dmt stat --json</c>.
/// </summary>
internal static class StatisticsJson
{
    public static JsonSerializerOptions Options { get; } =
        new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
}
