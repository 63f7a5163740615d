using Dmt.Core;
using Dmt.Engine;
using Dmt.Engine.Inspection;
using Dmt.Hosting.Configuration;

namespace Dmt.Cli;

/// <summary>What a command touches of the world around it; tests hand in their own.</summary>
internal sealed record CommandIo
{
    public required Stream In { get; init; }

    /// <summary>Standard output as bytes: values go out as they are.</summary>
    public required Stream Out { get; init; }

    public required TextWriter Error { get; init; }

    public bool InIsTerminal { get; init; }

    public bool OutIsTerminal { get; init; }

    public bool ErrorIsTerminal { get; init; }

    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Opens the store in a folder.</summary>
    public required Func<string, EngineOptions, CancellationToken, ValueTask<ITrieStore>> OpenFolder { get; init; }

    /// <summary>Opens the store in a bucket, taking it over from whoever has it open.</summary>
    public required Func<BucketSettings, EngineOptions, CancellationToken, ValueTask<ITrieStore>> OpenBucket
    {
        get;
        init;
    }

    /// <summary>
    /// Clones a checkpoint, which is named second, of the store in a bucket to another prefix, which is named last.
    /// </summary>
    public required Func<BucketSettings, string, string, CancellationToken, ValueTask<CheckpointInfo>> CloneBucket
    {
        get;
        init;
    }

    /// <summary>Reads a file or a folder of a store, verifying every checksum.</summary>
    public required Action<string, InspectDetail, Action<InspectLine>, CancellationToken> Inspect { get; init; }

    /// <summary>Text for standard output: UTF-8, flushed and left open by disposing.</summary>
    public StreamWriter Text() =>
        new(Out, new System.Text.UTF8Encoding(false), 16 << 10, leaveOpen: true) { NewLine = "\n" };
}
