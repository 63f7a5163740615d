using Dmt.Contracts.Messages;
using Dmt.Core;

namespace Dmt.Grains.Shards;

/// <summary>Pages of scans as they come and go in messages.</summary>
internal static class ShardScans
{
    public static ScanRequest ToRequest(in ShardScan scan) => new()
    {
        Range = scan.Range,
        Limit = scan.Limit,
        Reverse = scan.Reverse,
        KeysOnly = scan.KeysOnly,
        BytesMax = scan.BytesMax,
    };

    public static ShardScanPage ToMessage(ScanPage page)
    {
        var entries = new ShardScanEntry[page.Entries.Count];
        for (var i = 0; i < entries.Length; i++)
        {
            entries[i] = new ShardScanEntry { Key = page.Entries[i].Key, Entry = page.Entries[i].Entry };
        }

        return new ShardScanPage { Entries = entries, More = page.Cursor is not null };
    }
}
