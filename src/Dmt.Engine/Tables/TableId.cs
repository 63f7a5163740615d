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

    /// <summary>Reads the name of a table's object; false for every other name.</summary>
    public static bool TryParse(string objectName, out TableId id)
    {
        id = default;
        var name = objectName.AsSpan();
        Span<Range> folders = stackalloc Range[5];
        Span<Range> numbers = stackalloc Range[3];
        if (!name.EndsWith(Suffix, StringComparison.Ordinal) || name.Split(folders, '/') != 4)
        {
            return false;
        }

        var file = name[folders[3]][..^Suffix.Length];
        if (file.Split(numbers, '-') != 2
            || !uint.TryParse(name[folders[1]], NumberStyles.None, CultureInfo.InvariantCulture, out var shard)
            || !ulong.TryParse(file[numbers[0]], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
            || !ulong.TryParse(file[numbers[1]], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        id = new TableId(shard, epoch, number);
        return id.ObjectName == objectName;
    }
}
