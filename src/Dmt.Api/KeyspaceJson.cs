using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Api;

/// <summary>
/// Keyspaces in JSON: the same in settings, in answers and on the command line. A declaration is
/// <c>{"name", "prefix"?, "separator", "segments"}</c> or <c>{"name", "prefix"?, "widths": [n, …]}</c>; bytes that are
/// no text come as <c>prefix_base64</c> and <c>separator_base64</c>.
/// </summary>
public static class KeyspaceJson
{
    /// <summary>Reads a list of declarations.</summary>
    /// <exception cref="JsonException">It has another form.</exception>
    /// <exception cref="DmtException">InvalidArgument for what is out of its range.</exception>
    public static IReadOnlyList<Keyspace> ReadDeclarations(JsonElement json)
    {
        try
        {
            return [.. json.EnumerateArray().Select(ReadDeclaration)];
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new JsonException(e.Message, e);
        }
    }

    /// <summary>Writes the members of a declaration.</summary>
    public static void WriteDeclaration(Utf8JsonWriter json, Keyspace keyspace)
    {
        json.WriteString("name", keyspace.Name);
        WriteBytes(json, "prefix", keyspace.Prefix.Span);
        if (keyspace.Widths.Count == 0)
        {
            WriteBytes(json, "separator", keyspace.Separator.Span);
            json.WriteNumber("segments", keyspace.Segments);
            return;
        }

        json.WriteStartArray("widths");
        foreach (var width in keyspace.Widths)
        {
            json.WriteNumberValue(width);
        }

        json.WriteEndArray();
    }

    /// <summary>The member <c>keyspaces</c>.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<KeyspaceInfo> keyspaces)
    {
        json.WriteStartArray("keyspaces");
        foreach (var info in keyspaces)
        {
            json.WriteStartObject();
            WriteDeclaration(json, info.Keyspace);
            json.WriteNumber("copies", info.Copies);
            json.WriteBoolean("built", info.IsBuilt);
            json.WriteNumber("lag_ms", info.LagMs);
            json.WriteNumber("keys_too_long", info.KeysTooLong);
            if (info.Problem is { } problem)
            {
                json.WriteString("problem", problem);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <exception cref="JsonException">A member is not there or of another type.</exception>
    public static IReadOnlyList<KeyspaceInfo> Read(JsonElement json)
    {
        try
        {
            return [.. json.GetProperty("keyspaces").EnumerateArray().Select(static one => new KeyspaceInfo(
                ReadDeclaration(one),
                one.GetProperty("copies").GetInt32(),
                one.GetProperty("built").GetBoolean(),
                one.GetProperty("lag_ms").GetInt64(),
                one.GetProperty("keys_too_long").GetInt64(),
                one.TryGetProperty("problem", out var problem) ? problem.GetString() : null))];
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new JsonException(e.Message, e);
        }
    }

    private static Keyspace ReadDeclaration(JsonElement json)
    {
        var name = json.GetProperty("name").GetString() ?? "";
        var prefix = ReadBytes(json, "prefix") ?? [];
        if (json.TryGetProperty("widths", out var widths))
        {
            return Keyspace.FixedWidths(
                name, prefix, [.. widths.EnumerateArray().Select(static width => width.GetInt32())]);
        }

        var separator = ReadBytes(json, "separator") ?? throw new JsonException("a keyspace has separator or widths");
        return Keyspace.Separated(name, prefix, separator, json.GetProperty("segments").GetInt32());
    }

    private static byte[]? ReadBytes(JsonElement json, string name) =>
        json.TryGetProperty(name, out var text) ? Encoding.UTF8.GetBytes(text.GetString() ?? "")
        : json.TryGetProperty(name + "_base64", out var base64) ? base64.GetBytesFromBase64()
        : null;

    private static void WriteBytes(Utf8JsonWriter json, string name, ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            json.WriteString(name, bytes);
        }
        else
        {
            json.WriteBase64String(name + "_base64", bytes);
        }
    }
}
