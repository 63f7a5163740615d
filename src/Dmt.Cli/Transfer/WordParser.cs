using System.Text.Unicode;
using Dmt.Core;

namespace Dmt.Cli.Transfer;

/// <summary>One word a line: the line is the key, the value is empty.</summary>
internal sealed class WordParser : RecordParser
{
    public override string Name => "words";

    public override void Parse(ReadOnlySpan<byte> record, ImportChunk chunk)
    {
        if (record.IsEmpty)
        {
            return;
        }

        if (!Utf8.IsValid(record))
        {
            throw DmtException.InvalidArgument("the word is not valid UTF-8");
        }

        chunk.Put(record, default, null, default);
    }
}
