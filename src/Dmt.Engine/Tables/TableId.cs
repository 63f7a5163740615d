using System.Globalization;

namespace Dmt.Engine.Tables;

/// <summary>
/// Names a table for good. The epoch is part of it, so that an owner that has been fenced without knowing can never
/// write over a table of its successor.
/// </summary>
/// <param name="Shard">The shard that wrote it (others may refer to it).</param>
/// <param name="Epoch">The writer's epoch.</param>
/// <param name="Number">Counts the tables of that epoch, from 1.</param>
internal readonly record struct TableId(uint Shard, ulong Epoch, ulong Number)
{
    public const string Suffix = ".table";

    public string ObjectName =>
        string.Create(CultureInfo.InvariantCulture, $"{Folder(Shard)}{Epoch:D10}-{Number:D10}{Suffix}");

    public static string Folder(uint shard) => string.Create(CultureInfo.InvariantCulture, $"shards/{shard}/tables/");
}
