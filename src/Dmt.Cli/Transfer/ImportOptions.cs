using Dmt.Cli.Terminal;

namespace Dmt.Cli.Transfer;

/// <summary>How an import goes.</summary>
internal sealed record ImportOptions
{
    /// <summary>What the source is called in messages.</summary>
    public required string SourceName { get; init; }

    /// <summary>Leave bad records out and count them, instead of stopping.</summary>
    public bool SkipBad { get; init; }

    public required TransferProgress Progress { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>
    /// Called with the last chunk of a prefix of the source that is durable in the store; null keeps no checkpoint.
    /// </summary>
    public Action<ImportChunk>? Checkpoint { get; init; }
}
