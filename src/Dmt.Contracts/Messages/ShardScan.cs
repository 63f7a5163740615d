using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Contracts.Messages;

/// <summary>Asks for a page of a range of one shard; see <see cref="ScanRequest"/>.</summary>
[GenerateSerializer, Immutable, Alias("dmt.shard-scan")]
public readonly record struct ShardScan
{
    /// <summary>The shard's as a whole; its start may be one byte longer than a key, just above one.</summary>
    [Id(0)]
    public KeyRange Range { get; init; }

    [Id(1)]
    public int Limit { get; init; }

    [Id(2)]
    public bool Reverse { get; init; }

    [Id(3)]
    public bool KeysOnly { get; init; }

    [Id(4)]
    public int BytesMax { get; init; }
}

/// <summary>A page of a range of one shard, in one snapshot.</summary>
[GenerateSerializer, Immutable, Alias("dmt.shard-scan-page")]
public readonly record struct ShardScanPage
{
    [Id(0)]
    public ShardScanEntry[] Entries { get; init; }

    /// <summary>There are entries behind the page.</summary>
    [Id(1)]
    public bool More { get; init; }
}

/// <summary>A key and what it holds.</summary>
[GenerateSerializer, Immutable, Alias("dmt.shard-scan-entry")]
public readonly record struct ShardScanEntry
{
    [Id(0)]
    public ReadOnlyMemory<byte> Key { get; init; }

    [Id(1)]
    public Entry Entry { get; init; }
}
