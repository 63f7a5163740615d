using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Dmt.Core;

namespace Dmt.Api;

/// <summary>
/// Shards as members of a JSON object: the same in requests, in answers and on the command line. A prefix that is no
/// text comes as base64.
/// </summary>
public static class ShardJson
{
    /// <summary>The member <c>shards</c>.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<ShardInfo> shards)
    {
        json.WriteStartArray("shards");
        foreach (var info in shards)
        {
            json.WriteStartObject();
            Write(json, info);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>What is to be split off: <c>prefixes</c>, or <c>prefixes_base64</c> where one is no text.</summary>
    public static void WritePrefixes(Utf8JsonWriter json, IReadOnlyList<ReadOnlyMemory<byte>> prefixes)
    {
        var areText = prefixes.All(static prefix => Utf8.IsValid(prefix.Span));
        json.WriteStartArray(areText ? "prefixes" : "prefixes_base64");
        foreach (var prefix in prefixes)
        {
            if (areText)
            {
                json.WriteStringValue(prefix.Span);
            }
            else
            {
                json.WriteBase64StringValue(prefix.Span);
            }
        }

        json.WriteEndArray();
    }

    /// <exception cref="JsonException">A member is not there or of another type.</exception>
    public static IReadOnlyList<ShardInfo> Read(JsonElement json)
    {
        try
        {
            return [.. json.GetProperty("shards").EnumerateArray().Select(ReadShard)];
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new JsonException(e.Message, e);
        }
    }

    /// <summary>The number of a shard in a path or on a command line.</summary>
    /// <exception cref="DmtException">InvalidArgument where it is none.</exception>
    public static uint ParseNumber(string text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var shard) && shard > 0
            ? shard
            : throw DmtException.InvalidArgument(
                $"\"{text}\" is no number of a shard: expected 1 to {uint.MaxValue}, as dmt shard list shows them");

    private static void Write(Utf8JsonWriter json, ShardInfo info)
    {
        json.WriteNumber("shard", info.Shard);
        if (Utf8.IsValid(info.Prefix.Span))
        {
            json.WriteString("prefix", info.Prefix.Span);
        }
        else
        {
            json.WriteBase64String("prefix_base64", info.Prefix.Span);
        }

        if (info.Parent is { } parent)
        {
            json.WriteNumber("parent", parent);
        }

        json.WriteBoolean("open", info.Open is not null);
        if (info.Open is { } open)
        {
            json.WriteNumber("table_bytes", open.TableBytes);
            json.WriteNumber("entries_max", open.EntriesMax);
            json.WriteNumber("sequence", open.LastSequence);
            json.WriteNumber("epoch", open.Epoch);
            json.WriteNumber("operations_per_second", open.OperationsPerSecond);
        }
    }

    private static ShardInfo ReadShard(JsonElement json) => new(
        json.GetProperty("shard").GetUInt32(),
        json.TryGetProperty("prefix", out var text)
            ? Encoding.UTF8.GetBytes(text.GetString() ?? "")
            : json.GetProperty("prefix_base64").GetBytesFromBase64(),
        json.TryGetProperty("parent", out var parent) ? parent.GetUInt32() : null,
        !json.GetProperty("open").GetBoolean() ? null : new OpenShard(
            json.GetProperty("table_bytes").GetInt64(),
            json.GetProperty("entries_max").GetInt64(),
            json.GetProperty("sequence").GetUInt64(),
            json.GetProperty("epoch").GetUInt64())
        {
            OperationsPerSecond = json.GetProperty("operations_per_second").GetInt64(),
        });
}
