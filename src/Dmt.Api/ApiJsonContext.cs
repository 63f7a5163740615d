using System.Text.Json.Serialization;
using Dmt.Core;

namespace Dmt.Api;

/// <summary>Generated serialisers, for what is not written by hand.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ReplicaStatistics))]
[JsonSerializable(typeof(StoreStatistics))]
internal sealed partial class ApiJsonContext : JsonSerializerContext;
