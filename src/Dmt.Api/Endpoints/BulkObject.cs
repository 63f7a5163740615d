using System.Buffers;
using System.Text;
using System.Text.Json;
using Dmt.Api.Requests;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Api.Endpoints;

/// <summary>The JSON object of POST /bulk: key to value, the last of two equal keys wins.</summary>
internal sealed class BulkObject(KeyPolicies keys)
{
    private static readonly byte[] TextMetadata = new EntryMetadata(EntryMetadata.TextContentType, 0).Encode();
    private static readonly byte[] JsonMetadata = new EntryMetadata(EntryMetadata.JsonContentType, 0).Encode();

    private readonly ArrayBufferWriter<byte> _compact = new();

    /// <exception cref="DmtException">InvalidArgument or TooLarge, naming the key.</exception>
    public void AddTo(WriteBatch batch, JsonElement body)
    {
        JsonText.Expect(body.ValueKind == JsonValueKind.Object, "the body must be a JSON object of key to value");
        var last = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in body.EnumerateObject())
        {
            var key = Encoding.UTF8.GetBytes(Text(member));
            keys.CheckKey(key);
            last[Encoding.UTF8.GetString(key)] = member.Value;
        }

        foreach (var (key, value) in last)
        {
            try
            {
                Put(batch, Encoding.UTF8.GetBytes(key), value);
            }
            catch (DmtException e)
            {
                var shown = Key.ToDisplay(Encoding.UTF8.GetBytes(key));
                throw new DmtException(e.Kind, $"key \"{shown}\": {e.Message}", e);
            }
        }
    }

    private void Put(WriteBatch batch, byte[] key, JsonElement value)
    {
        JsonText.Expect(value.ValueKind != JsonValueKind.Null, "null is no value");
        if (value.ValueKind == JsonValueKind.String)
        {
            var text = Encoding.UTF8.GetBytes(Text(value));
            keys.CheckValueLength(text.Length);
            batch.Put(key, text, metadata: TextMetadata);
            return;
        }

        _compact.Clear();
        using (var json = new Utf8JsonWriter(_compact, JsonAnswer.WriterOptions))
        {
            WriteCompact(json, value);
        }

        keys.CheckValueLength(_compact.WrittenCount);
        batch.Put(key, _compact.WrittenSpan, metadata: JsonMetadata);
    }

    private static string Text(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException e)
        {
            throw new DmtException(DmtErrorKind.InvalidArgument, "a key is not valid Unicode", e);
        }
    }

    private static string Text(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new DmtException(DmtErrorKind.InvalidArgument, "the value is not valid Unicode", e);
        }
    }

    private static void WriteCompact(Utf8JsonWriter json, JsonElement value)
    {
        try
        {
            value.WriteTo(json);
        }
        catch (InvalidOperationException e)
        {
            throw new DmtException(DmtErrorKind.InvalidArgument, "the value is not valid Unicode", e);
        }
    }
}
