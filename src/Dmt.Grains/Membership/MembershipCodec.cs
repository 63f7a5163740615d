using System.Text.Json;
using System.Text.Json.Serialization;
using Dmt.Core;

namespace Dmt.Grains.Membership;

/// <summary>A version of the table as JSON, for operators to read; docs/formats/membership.md has the fields.</summary>
internal static class MembershipCodec
{
    private const int Format = 1;

    public static byte[] Encode(MembershipSnapshot table) => JsonSerializer.SerializeToUtf8Bytes(
        new Document(Format, table.Version, table.Writer, table.Rows), MembershipJsonContext.Default.Document);

    /// <exception cref="DmtException">
    /// Corruption; Unavailable where a newer DMT wrote it.
    /// </exception>
    public static MembershipSnapshot Decode(byte[] bytes, string name, int version)
    {
        Document? document;
        try
        {
            // The format comes first and alone, for a newer one may have other fields.
            var format = JsonSerializer.Deserialize(bytes, MembershipJsonContext.Default.DocumentHead)?.Format;
            if (format is > Format)
            {
                throw DmtException.Unavailable(
                    $"{name} has format {format}, this DMT knows up to {Format}: a newer DMT wrote it");
            }

            document = JsonSerializer.Deserialize(bytes, MembershipJsonContext.Default.Document);
        }
        catch (JsonException e)
        {
            throw DmtException.Corruption(name, e.BytePositionInLine ?? 0, e.Message, e);
        }

        if (document is not { Format: Format, Writer: not null, Silos: not null })
        {
            throw DmtException.Corruption(name, 0, "format, writer or silos are missing");
        }

        return document.Version == version
            ? new MembershipSnapshot(version, document.Writer, document.Silos)
            : throw DmtException.Corruption(name, 0, $"it says that it is version {document.Version}");
    }

    internal sealed record DocumentHead(int Format);

    internal sealed record Document(int Format, int Version, string Writer, IReadOnlyList<MembershipRow> Silos);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    WriteIndented = true)]
[JsonSerializable(typeof(MembershipCodec.Document))]
[JsonSerializable(typeof(MembershipCodec.DocumentHead))]
internal sealed partial class MembershipJsonContext : JsonSerializerContext;
