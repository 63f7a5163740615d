using System.Text;
using System.Text.Json;
using Dmt.Api;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Cli.Configuration;

/// <summary>The setting <c>keyspaces</c>: a JSON array of declarations.</summary>
internal static class KeyspaceSettings
{
    public const string Allowed = "a list such as [{\"name\": \"shop\", \"prefix\": \"shop/\", \"separator\": \"/\", "
        + "\"segments\": 3}, {\"name\": \"events\", \"prefix\": \"e\", \"widths\": [8, 4]}]: 2 to 6 segments, no "
        + "prefix within another's";

    /// <param name="text">The list; empty for none.</param>
    /// <param name="canonical">The same in one form; empty for none.</param>
    public static bool TryParse(string text, out string canonical)
    {
        canonical = "";
        try
        {
            var keyspaces = Parse(text);
            Keyspace.CheckTogether(keyspaces);
            canonical = keyspaces.Count == 0 ? "" : Format(keyspaces);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
        catch (DmtException e) when (e.Kind is DmtErrorKind.InvalidArgument or DmtErrorKind.TooLarge)
        {
            return false;
        }
    }

    public static IReadOnlyList<Keyspace> Parse(string text)
    {
        if (text.Trim().Length == 0)
        {
            return [];
        }

        using var list = JsonDocument.Parse(text);
        return KeyspaceJson.ReadDeclarations(list.RootElement);
    }

    private static string Format(IReadOnlyList<Keyspace> keyspaces)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartArray();
            foreach (var keyspace in keyspaces)
            {
                json.WriteStartObject();
                KeyspaceJson.WriteDeclaration(json, keyspace);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
