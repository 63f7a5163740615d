using Dmt.Core;

namespace Dmt.Cli.Transfer;

/// <summary>One JSON object a line, in the shape of <c>/bulk</c> (see <see cref="NdjsonLine"/>).</summary>
/// <param name="time">Tells from when a <c>ttl</c> counts.</param>
internal sealed class NdjsonParser(TimeProvider time) : RecordParser
{
    public override string Name => "ndjson";

    public override void Parse(ReadOnlySpan<byte> record, ImportChunk chunk)
    {
        if (record.Trim(" \t"u8).IsEmpty)
        {
            return;
        }

        var line = NdjsonFields.Read(record);
        if (line.Delete)
        {
            chunk.Delete(line.Key ?? throw DmtException.InvalidArgument("the line has no key"));
            return;
        }

        var (key, entry) = line.ToEntry();
        var expiresAt = line.Ttl is { } ttl ? time.GetUtcNow() + ttl : entry.ExpiresAt;
        chunk.Put(key.Span, entry.Value.Span, expiresAt, entry.Metadata.Span);
    }
}
