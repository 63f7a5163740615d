using System.Buffers;
using System.Text.Json;
using Dmt.Api;
using Dmt.Core;
using Dmt.Hosting.Configuration;

namespace Dmt.Cli.Transfer;

/// <summary>
/// What one line of NDJSON says, read and checked name by name; see <see cref="NdjsonLine"/> for the shape.
/// </summary>
internal ref struct NdjsonFields
{
    private const string Names =
        "key or key_base64, value or value_base64, content_type, weight, ttl or expires_at, delete, version";

    public byte[]? Key { get; private set; }

    public byte[]? Value { get; private set; }

    public string? ContentType { get; private set; }

    public double Weight { get; private set; }

    public TimeSpan? Ttl { get; private set; }

    public DateTimeOffset? ExpiresAt { get; private set; }

    public bool Delete { get; private set; }

    public ulong Version { get; private set; }

    /// <exception cref="DmtException">InvalidArgument where the line is no such object.</exception>
    public static NdjsonFields Read(ReadOnlySpan<byte> line)
    {
        var fields = default(NdjsonFields);
        try
        {
            var json = new Utf8JsonReader(line);
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            {
                throw DmtException.InvalidArgument("the line is no JSON object");
            }

            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                fields.ReadProperty(ref json);
            }

            // Anything after the object makes the reader throw.
            json.Read();
            return fields;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new DmtException(DmtErrorKind.InvalidArgument, "not valid JSON: " + FirstSentence(e), e);
        }
    }

    /// <summary>The entry that the line shows; for lines that a server wrote.</summary>
    /// <exception cref="DmtException">InvalidArgument where key or value are missing.</exception>
    public readonly KeyEntry ToEntry() => new(
        Key ?? throw DmtException.InvalidArgument("the line has no key"),
        new Entry(
            Value ?? throw DmtException.InvalidArgument("the line has no value (and no \"delete\": true)"),
            Version,
            new EntryMetadata(ContentType, Weight).Encode(),
            ExpiresAt));

    private static string FirstSentence(Exception e) => e.Message.Split(". ")[0].TrimEnd('.');

    private void ReadProperty(ref Utf8JsonReader json)
    {
        var name = json.GetString()!;
        json.Read();
        switch (name)
        {
            case "key":
                Key = ReadText(ref json, name);
                break;
            case "key_base64":
                Key = ReadBase64(ref json, name);
                break;
            case "value":
                Value = ReadText(ref json, name);
                break;
            case "value_base64":
                Value = ReadBase64(ref json, name);
                break;
            case "content_type":
                Expect(json, JsonTokenType.String, name);
                ContentType = EntryMetadata.CheckContentType(json.GetString());
                break;
            case "weight":
                Expect(json, JsonTokenType.Number, name);
                Weight = EntryMetadata.CheckWeight(json.GetDouble());
                break;
            case "ttl":
                Ttl = TimeText.Parse(
                    json.TokenType == JsonTokenType.Number ? RawText(json) : ReadString(json, name), name);
                break;
            case "expires_at":
                Expect(json, JsonTokenType.String, name);
                ExpiresAt = json.GetDateTimeOffset();
                break;
            case "delete":
                Delete = json.TokenType is JsonTokenType.True or JsonTokenType.False
                    ? json.GetBoolean()
                    : throw DmtException.InvalidArgument("delete is neither true nor false");
                break;
            case "version":
                Expect(json, JsonTokenType.Number, name);
                Version = json.GetUInt64();
                break;
            default:
                throw DmtException.InvalidArgument($"unknown name {name}: expected {Names}");
        }
    }

    private static byte[] ReadText(ref Utf8JsonReader json, string name)
    {
        Expect(json, JsonTokenType.String, name);
        var text = ArrayPool<byte>.Shared.Rent(json.ValueSpan.Length);
        try
        {
            // CopyString unescapes, and refuses lone surrogates and bytes that are no UTF-8.
            return text[..json.CopyString(text)];
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(text);
        }
    }

    private static byte[] ReadBase64(ref Utf8JsonReader json, string name)
    {
        Expect(json, JsonTokenType.String, name);
        return json.TryGetBytesFromBase64(out var bytes) ? bytes
            : throw DmtException.InvalidArgument($"{name} is not valid base64");
    }

    private static string ReadString(in Utf8JsonReader json, string name)
    {
        Expect(json, JsonTokenType.String, name);
        return json.GetString()!;
    }

    private static string RawText(in Utf8JsonReader json) => System.Text.Encoding.UTF8.GetString(json.ValueSpan);

    private static void Expect(in Utf8JsonReader json, JsonTokenType type, string name)
    {
        if (json.TokenType != type)
        {
            throw DmtException.InvalidArgument($"{name} is no {(type == JsonTokenType.String ? "string" : "number")}");
        }
    }
}
