using Dmt.Core;

namespace Dmt.Cli.Transfer;

/// <summary>Reads one format of import files, record by record.</summary>
internal abstract class RecordParser
{
    /// <summary>The format's name, as in <c>dmt import NAME</c>.</summary>
    public abstract string Name { get; }

    /// <summary>True when line ends inside double quotes belong to the record.</summary>
    public virtual bool IsQuoted => false;

    /// <summary>Adds what the record says to the chunk; a blank record adds nothing.</summary>
    /// <exception cref="DmtException">InvalidArgument or TooLarge, without the line number. The chunk is as
    /// before.</exception>
    public abstract void Parse(ReadOnlySpan<byte> record, ImportChunk chunk);
}
