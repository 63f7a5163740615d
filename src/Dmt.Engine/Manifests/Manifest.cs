using System.Globalization;
using Dmt.Engine.Requests;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Manifests;

/// <summary>A part of one incarnation's log that is not yet in tables.</summary>
/// <param name="Incarnation">Whose log.</param>
/// <param name="From">Position from which it must be replayed.</param>
internal sealed record LogRange(string Incarnation, long From);

/// <summary>A shard that was carved out of another one.</summary>
/// <param name="Shard">Its number.</param>
/// <param name="Prefix">Its prefix.</param>
internal sealed record CarvedShard(uint Shard, byte[] Prefix);

/// <summary>
/// The state of a shard, as one immutable numbered object. Whoever creates a number first is the writer: that is the
/// fence. Byte layout in docs/formats/manifest.md.
/// </summary>
internal sealed record Manifest
{
    public const int LevelCount = 7;

    public required uint Shard { get; init; }

    /// <summary>Counts the manifests of the shard, from 1.</summary>
    public required long Number { get; init; }

    /// <summary>Counts the openings for writing, from 1.</summary>
    public required ulong Epoch { get; init; }

    /// <summary>The process that owns the shard.</summary>
    public required string Incarnation { get; init; }

    /// <summary>It was closed cleanly: there is nothing to replay.</summary>
    public bool ClosedCleanly { get; init; }

    /// <summary>All sequence numbers up to this one are in tables.</summary>
    public ulong FlushedSequence { get; init; }

    /// <summary>The keys of the shard begin with it.</summary>
    public byte[] Prefix { get; init; } = [];

    /// <summary>The parts under <see cref="Prefix"/> that are shards of their own, in order of prefixes, none under
    /// another.</summary>
    public IReadOnlyList<CarvedShard> Carved { get; init; } = [];

    /// <summary>The shard into which this one was merged: nobody opens it any more. 0 while it lives.</summary>
    public uint MergedInto { get; init; }

    /// <summary>What must be replayed, in this order.</summary>
    public IReadOnlyList<LogRange> LogRanges { get; init; } = [];

    /// <summary>Tables by level: level 0 newest first, the others in key order.</summary>
    public IReadOnlyList<IReadOnlyList<TableInfo>> Levels { get; init; } = EmptyLevels;

    /// <summary>
    /// Stores that tables are borrowed from. One stays here until its pin is known to be gone, so that a crash leaves
    /// none behind.
    /// </summary>
    public IReadOnlyList<Origin> Origins { get; init; } = [];

    /// <summary>
    /// What is known of the requests whose writes are in tables, in order of their clients' last use. Those behind the
    /// tables lie in the log.
    /// </summary>
    public IReadOnlyList<RequestClient> Requests { get; init; } = [];

    public static IReadOnlyList<IReadOnlyList<TableInfo>> EmptyLevels { get; } =
        [.. Enumerable.Range(0, LevelCount).Select(_ => Array.Empty<TableInfo>())];

    /// <summary>The same owner wrote both.</summary>
    public bool IsOf(Manifest other) => Epoch == other.Epoch && Incarnation == other.Incarnation;

    /// <summary>What is in its tables, and nothing else: as a checkpoint has it.</summary>
    public Manifest WithoutLog() => this with { ClosedCleanly = true, LogRanges = [], Requests = [] };

    public string ObjectName => NameOf(Shard, Number);

    public static string Folder(uint shard) => string.Create(CultureInfo.InvariantCulture, $"shards/{shard}/manifest/");

    public static string NameOf(uint shard, long number) =>
        string.Create(CultureInfo.InvariantCulture, $"{Folder(shard)}{number:D16}");
}
