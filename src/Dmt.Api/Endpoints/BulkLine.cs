using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Dmt.Api.Requests;
using Dmt.Core;

namespace Dmt.Api.Endpoints;

/// <summary>
/// One line of an NDJSON stream, as POST /bulk takes it and GET /bulk/range gives it, read without allocating: texts
/// are unescaped into scratch buffers that live as long as the stream.
/// </summary>
internal sealed class BulkLine(KeyPolicies keys, TimeProvider time)
{
    private readonly Scratch _key = new();
    private readonly Scratch _value = new();
    private bool _hasKey;
    private bool _keyIsText;
    private bool _hasValue;
    private bool _delete;
    private double _weight;
    private string? _contentType;
    private DateTimeOffset? _expiresAt;
    private EntryMetadata _metadataFor;
    private byte[] _metadata = [];

    /// <summary>Deletes added so far; whoever applies the batch counts them and sets it back.</summary>
    public int Deletes { get; set; }

    /// <summary>Adds the operation of the line to the batch; a blank line adds none.</summary>
    /// <exception cref="DmtException">InvalidArgument or TooLarge; the batch is as before.</exception>
    /// <exception cref="JsonException">The line is no JSON.</exception>
    public void AddTo(WriteBatch batch, ReadOnlySpan<byte> line)
    {
        if (line.Trim(" \t\r"u8).IsEmpty)
        {
            return;
        }

        (_hasKey, _keyIsText, _hasValue, _delete, _weight, _contentType, _expiresAt) =
            (false, false, false, false, 0, null, null);
        var reader = new Utf8JsonReader(line);
        JsonText.Expect(reader.Read() && reader.TokenType == JsonTokenType.StartObject, "expected a JSON object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            ReadMember(ref reader);
        }

        // One read past the end of the object finds what must not be there.
        reader.Read();
        JsonText.Expect(_hasKey, "the line has no key or key_base64");
        JsonText.Expect(_hasValue != _delete, "expected one of value, value_base64 and \"delete\": true");
        CheckKey();
        if (_delete)
        {
            batch.Delete(_key.Span);
            Deletes++;
            return;
        }

        keys.CheckValueLength(_value.Length);
        batch.Put(_key.Span, _value.Span, _expiresAt, Metadata());
    }

    private void ReadMember(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("key"u8))
        {
            ReadText(ref reader, _key, "key");
            (_hasKey, _keyIsText) = (true, true);
        }
        else if (reader.ValueTextEquals("value"u8))
        {
            ReadText(ref reader, _value, "value");
            _hasValue = true;
        }
        else if (reader.ValueTextEquals("weight"u8))
        {
            reader.Read();
            _weight = JsonText.Weight(ref reader);
        }
        else if (reader.ValueTextEquals("key_base64"u8))
        {
            ReadBase64(ref reader, _key, "key_base64");
            (_hasKey, _keyIsText) = (true, false);
        }
        else if (reader.ValueTextEquals("value_base64"u8))
        {
            ReadBase64(ref reader, _value, "value_base64");
            _hasValue = true;
        }
        else
        {
            ReadRareMember(ref reader);
        }
    }

    private void ReadRareMember(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("delete"u8))
        {
            reader.Read();
            JsonText.Expect(
                reader.TokenType is JsonTokenType.True or JsonTokenType.False, "delete must be true or false");
            _delete = reader.GetBoolean();
        }
        else if (reader.ValueTextEquals("ttl"u8))
        {
            reader.Read();
            JsonText.Expect(
                reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out _),
                "ttl must be a number of seconds");
            _expiresAt = time.GetUtcNow() + TimeToLive.FromSeconds(reader.GetDouble());
        }
        else if (reader.ValueTextEquals("expires_at"u8))
        {
            reader.Read();
            JsonText.Expect(
                reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out _),
                "expires_at must be a time such as \"2030-01-31T12:00:00Z\"");
            _expiresAt = reader.GetDateTimeOffset();
        }
        else if (reader.ValueTextEquals("content_type"u8))
        {
            reader.Read();
            JsonText.Expect(reader.TokenType == JsonTokenType.String, "content_type must be a string");
            _contentType =
                EntryMetadata.CheckContentType(Encoding.UTF8.GetString(JsonText.Bytes(ref reader, "content_type")));
        }
        else if (reader.ValueTextEquals("version"u8))
        {
            // Stands in what GET /bulk/range gives; a restored entry gets a version of its own.
            reader.Read();
            reader.Skip();
        }
        else
        {
            var name = Encoding.UTF8.GetString(JsonText.Bytes(ref reader, "name"));
            throw DmtException.InvalidArgument(
                $"unknown member \"{(name.Length > 80 ? name[..80] + "…" : name)}\": expected key, key_base64, value, "
                + "value_base64, delete, ttl, expires_at, weight, content_type");
        }
    }

    private void CheckKey()
    {
        if (_keyIsText)
        {
            keys.CheckKey(_key.Span);
        }
        else
        {
            keys.CheckBinaryKey(_key.Span);
        }
    }

    /// <summary>The encoded metadata; the same array as long as the same comes line after line.</summary>
    private byte[] Metadata()
    {
        var wanted = new EntryMetadata(_contentType, _weight);
        if (wanted != _metadataFor)
        {
            (_metadataFor, _metadata) = (wanted, wanted.Encode());
        }

        return _metadata;
    }

    private static void ReadText(ref Utf8JsonReader reader, Scratch to, string what)
    {
        reader.Read();
        JsonText.Expect(reader.TokenType == JsonTokenType.String, $"{what} must be a string");
        to.Length = JsonText.Copy(ref reader, to.Reserve(reader.ValueSpan.Length), what);
    }

    private static void ReadBase64(ref Utf8JsonReader reader, Scratch to, string what)
    {
        ReadText(ref reader, to, what);
        JsonText.Expect(
            Base64.DecodeFromUtf8InPlace(to.Span, out var length) == OperationStatus.Done,
            $"{what} is not valid base64");
        to.Length = length;
    }

    /// <summary>A buffer that grows and is used again for every line.</summary>
    private sealed class Scratch
    {
        private byte[] _bytes = new byte[256];

        public int Length { get; set; }

        public Span<byte> Span => _bytes.AsSpan(0, Length);

        public Span<byte> Reserve(int length)
        {
            if (length > _bytes.Length)
            {
                _bytes = new byte[Math.Max(length, (int)Math.Min(Array.MaxLength, _bytes.Length * 2L))];
            }

            return _bytes;
        }
    }
}
