using System.Text;
using System.Text.Json;
using Dmt.Api.Errors;
using Dmt.Api.OpenApi;
using Dmt.Api.Requests;
using Dmt.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dmt.Api.Endpoints;

/// <summary>/api/v1/words: words are keys; their weight lies in the entry's metadata.</summary>
internal sealed class WordEndpoints(ApiServices api)
{
    private const string Pattern = "/api/v1/words";

    /// <summary>Room for a word in which every byte is escaped (\u0000), and a weight.</summary>
    private const int BodyBytesMax = 16 << 10;

    /// <summary>How often a word is tried against others that write the same key, before they are told.</summary>
    private const int AttemptsMax = 16;

    private static readonly ApiAnswer BadRequest = new(400, "The word or the JSON is malformed", Problems.ContentType);

    private static readonly ApiCall Add = new("AddWord", "Words", "Add a word")
    {
        Description = "A word is a key. Where the key holds a value already, value, content type and expiry stay.",
        Query = [ApiCall.Fsync],
        Body = [new("application/json", "{\"word\": text, \"weight\"?: number of at least 0, for order=weight}")],
        Answers =
        [
            new(201, "The word is new", "application/json"), new(200, "The word was there already", "application/json"),
            BadRequest,
            new(409, "Others keep writing the same key", Problems.ContentType),
        ],
    };

    private static readonly ApiCall Remove = new("RemoveWord", "Words", "Remove a word")
    {
        Description = "Removes the key and all it holds.",
        Query = [ApiCall.Fsync],
        Body = [new("application/json", "{\"word\": text}")],
        Answers = [new(204, "The word is absent now"), BadRequest],
    };

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapCall(["POST"], Pattern, Add, AddAsync);
        routes.MapCall(["DELETE"], Pattern, Remove, RemoveAsync);
    }

    private async Task AddAsync(HttpContext context, Query query)
    {
        var durability = query.Durability();
        var (word, weight) = await ReadAsync(context);
        var isNew = await AddAsync(word, weight, durability, context.RequestAborted);
        await JsonAnswer.WriteAsync(context, isNew ? 201 : 200, word, static (json, word) =>
        {
            json.WriteStartObject();
            json.WriteString("word", word);
            json.WriteEndObject();
        });
    }

    private async Task<bool> AddAsync(
        byte[] word, double? weight, Durability? durability, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var found = await api.Store.GetAsync(word, cancellationToken);
            var old = EntryMetadata.Decode(found is { } held ? held.Metadata.Span : default);
            if (found is not null && (weight is null || weight == old.Weight))
            {
                return false;
            }

            // A batch, because only there an expiry can be kept exactly.
            var batch = new WriteBatch().Put(
                word,
                found.GetValueOrDefault().Value.Span,
                found.GetValueOrDefault().ExpiresAt,
                (old with { Weight = weight ?? 0 }).Encode(),
                found is { } entry ? WriteCondition.VersionIs(entry.Version) : WriteCondition.Absent);
            try
            {
                await api.Store.WriteAsync(batch, durability, cancellationToken);
                return found is null;
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Conflict && attempt < AttemptsMax)
            {
                // Somebody else wrote the key in between: look again.
            }
        }
    }

    private async Task RemoveAsync(HttpContext context, Query query)
    {
        var durability = query.Durability();
        var (word, _) = await ReadAsync(context);
        await api.Store.DeleteAsync(word, new WriteOptions { Durability = durability }, context.RequestAborted);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task<(byte[] Word, double? Weight)> ReadAsync(HttpContext context)
    {
        RequestBody.RequireJson(context);
        using var body = await RequestBody.ReadAsync(context, BodyBytesMax, "body");
        var (word, weight) = Parse(body.Memory.Span);
        api.Keys.CheckKey(word, "word");
        return (word, weight);
    }

    private static (byte[] Word, double? Weight) Parse(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body);
        byte[]? word = null;
        double? weight = null;
        JsonText.Expect(
            reader.Read() && reader.TokenType == JsonTokenType.StartObject, "the body must be a JSON object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("word"u8))
            {
                reader.Read();
                JsonText.Expect(reader.TokenType == JsonTokenType.String, "word must be a string");
                word = JsonText.Bytes(ref reader, "word");
            }
            else if (reader.ValueTextEquals("weight"u8))
            {
                reader.Read();
                weight = JsonText.Weight(ref reader);
            }
            else
            {
                throw DmtException.InvalidArgument(
                    $"unknown member \"{Encoding.UTF8.GetString(JsonText.Bytes(ref reader, "name"))}\": expected "
                    + "word, weight");
            }
        }

        reader.Read();
        return (word ?? throw DmtException.InvalidArgument("the body has no word: expected {\"word\": text}"), weight);
    }
}
