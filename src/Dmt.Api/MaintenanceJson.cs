using System.Globalization;
using System.Text.Json;
using Dmt.Core;

namespace Dmt.Api;

/// <summary>Checkpoints and garbage as members of a JSON object: the same in answers and on the command line.</summary>
public static class MaintenanceJson
{
    public static void Write(Utf8JsonWriter json, CheckpointInfo info)
    {
        json.WriteString("name", info.Name);
        json.WriteString("created_at", info.CreatedAt.ToString("O", CultureInfo.InvariantCulture));
        json.WriteNumber("sequence", info.Sequence);
        json.WriteNumber("tables", info.Tables);
        json.WriteNumber("bytes", info.Bytes);
        json.WriteNumber("entries_max", info.EntriesMax);
        if (info.ClonedTo is { } clone)
        {
            json.WriteString("cloned_to", clone);
        }
    }

    public static void Write(Utf8JsonWriter json, IReadOnlyList<CheckpointInfo> checkpoints)
    {
        json.WriteStartArray("checkpoints");
        foreach (var info in checkpoints)
        {
            json.WriteStartObject();
            Write(json, info);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public static void Write(Utf8JsonWriter json, GarbageReport report)
    {
        json.WriteBoolean("dry_run", report.IsDryRun);
        Write("deleted", report.Deleted);
        Write("waiting", report.Waiting);

        void Write(string property, IReadOnlyList<GarbageObject> objects)
        {
            json.WriteStartArray(property);
            foreach (var garbage in objects)
            {
                json.WriteStartObject();
                json.WriteString("name", garbage.Name);
                json.WriteNumber("bytes", garbage.Bytes);
                json.WriteNumber("age_seconds", (long)garbage.Age.TotalSeconds);
                json.WriteString("reason", garbage.Reason);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }
    }

    /// <exception cref="JsonException">A member is not there or of another type.</exception>
    public static CheckpointInfo ReadCheckpoint(JsonElement json) => Read(json, static json => new CheckpointInfo(
        Text(json, "name"),
        json.GetProperty("created_at").GetDateTimeOffset(),
        json.GetProperty("sequence").GetUInt64(),
        json.GetProperty("tables").GetInt32(),
        json.GetProperty("bytes").GetInt64(),
        json.GetProperty("entries_max").GetInt64())
    {
        ClonedTo = json.TryGetProperty("cloned_to", out var clone) ? clone.GetString() : null,
    });

    /// <exception cref="JsonException">A member is not there or of another type.</exception>
    public static IReadOnlyList<CheckpointInfo> ReadCheckpoints(JsonElement json) => Read(
        json,
        static json => json.GetProperty("checkpoints").EnumerateArray().Select(ReadCheckpoint).ToArray());

    /// <exception cref="JsonException">A member is not there or of another type.</exception>
    public static GarbageReport ReadGarbage(JsonElement json) => Read(json, static json => new GarbageReport(
        Objects(json.GetProperty("deleted")),
        Objects(json.GetProperty("waiting")),
        json.GetProperty("dry_run").GetBoolean()));

    private static GarbageObject[] Objects(JsonElement json) =>
        [
            .. json.EnumerateArray().Select(static garbage => new GarbageObject(
                Text(garbage, "name"),
                garbage.GetProperty("bytes").GetInt64(),
                TimeSpan.FromSeconds(garbage.GetProperty("age_seconds").GetInt64()),
                Text(garbage, "reason"))),
        ];

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString() ?? "";

    private static T Read<T>(JsonElement json, Func<JsonElement, T> read)
    {
        try
        {
            return read(json);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new JsonException(e.Message, e);
        }
    }
}
