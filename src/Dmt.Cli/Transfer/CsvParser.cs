using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Dmt.Api;
using Dmt.Core;

namespace Dmt.Cli.Transfer;

/// <summary>
/// CSV after RFC 4180: <c>key,value[,weight[,content_type[,expires_at]]]</c>. A field may stand in double quotes, a
/// double quote inside them is doubled, and then commas and line ends belong to the field.
/// </summary>
internal sealed class CsvParser(bool hasHeader) : RecordParser
{
    /// <summary>The columns, in order; the first two are required.</summary>
    public static readonly string[] Columns = ["key", "value", "weight", "content_type", "expires_at"];

    private readonly List<byte[]> _fields = [];

    public override string Name => hasHeader ? "csv with header" : "csv";

    public override bool IsQuoted => true;

    public override void Parse(ReadOnlySpan<byte> record, ImportChunk chunk)
    {
        if (record.IsEmpty || (hasHeader && chunk.Line == 1))
        {
            return;
        }

        Split(record, _fields);
        if (_fields.Count < 2 || _fields.Count > Columns.Length)
        {
            throw DmtException.InvalidArgument(
                $"{_fields.Count} fields: expected {string.Join(", ", Columns)}, at least the first two");
        }

        if (!Utf8.IsValid(record))
        {
            throw DmtException.InvalidArgument("the line is not valid UTF-8");
        }

        var metadata = new EntryMetadata(EntryMetadata.CheckContentType(Text(3)), ParseWeight(Text(2)));
        chunk.Put(_fields[0], _fields[1], ParseExpiry(Text(4)), metadata.Encode());
    }

    /// <summary>Cuts a record into its fields, unquoted.</summary>
    /// <exception cref="DmtException">InvalidArgument where the quoting is wrong.</exception>
    internal static void Split(ReadOnlySpan<byte> record, List<byte[]> fields)
    {
        fields.Clear();
        while (true)
        {
            var length = record.Length > 0 && record[0] == '"'
                ? TakeQuoted(record, fields)
                : TakePlain(record, fields);
            if (length == record.Length)
            {
                return;
            }

            record = record[(length + 1)..];
        }
    }

    private static int TakePlain(ReadOnlySpan<byte> record, List<byte[]> fields)
    {
        var length = record.IndexOf((byte)',') is >= 0 and var comma ? comma : record.Length;
        if (record[..length].Contains((byte)'"'))
        {
            throw DmtException.InvalidArgument(
                $"field {fields.Count + 1} holds a double quote: put the field in double quotes and double the one "
                    + $"inside");
        }

        fields.Add(record[..length].ToArray());
        return length;
    }

    private static int TakeQuoted(ReadOnlySpan<byte> record, List<byte[]> fields)
    {
        var field = new byte[record.Length];
        var length = 0;
        for (var at = 1; at < record.Length; at++)
        {
            if (record[at] != '"')
            {
                field[length++] = record[at];
            }
            else if (at + 1 < record.Length && record[at + 1] == '"')
            {
                field[length++] = record[at++];
            }
            else if (at + 1 == record.Length || record[at + 1] == ',')
            {
                fields.Add(field[..length]);
                return at + 1;
            }
            else
            {
                throw DmtException.InvalidArgument($"field {fields.Count + 1} goes on after its closing double quote");
            }
        }

        throw DmtException.InvalidArgument($"field {fields.Count + 1} has no closing double quote");
    }

    private static double ParseWeight(string? text) =>
        string.IsNullOrEmpty(text) ? 0
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight)
            ? EntryMetadata.CheckWeight(weight)
        : throw DmtException.InvalidArgument($"the weight is \"{text}\": expected a number of at least 0");

    private static DateTimeOffset? ParseExpiry(string? text) =>
        string.IsNullOrEmpty(text) ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at
        : throw DmtException.InvalidArgument($"expires_at is \"{text}\": expected a time such as 2030-01-31T12:00:00Z");

    private string? Text(int column) => column < _fields.Count ? Encoding.UTF8.GetString(_fields[column]) : null;
}
