using System.Text;
using Dmt.Engine.Memory;
using Dmt.Engine.Objects;
using Dmt.Engine.Reading;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Tests.Tables;

/// <summary>One version of one key, at rest.</summary>
internal sealed record TestEntry(
    string Key, ulong Sequence, string? Value, string Metadata = "", long ExpiresAtMs = 0)
{
    public EntryData Data => new()
    {
        Key = Encoding.UTF8.GetBytes(Key),
        Value = Encoding.UTF8.GetBytes(Value ?? ""),
        Metadata = Encoding.UTF8.GetBytes(Metadata),
        Sequence = Sequence,
        Kind = Value is null ? EntryKind.Tombstone : EntryKind.Put,
        ExpiresAtMs = ExpiresAtMs,
    };

    public static TestEntry Of(EntryCursor cursor) => new(
        Encoding.UTF8.GetString(cursor.Key),
        cursor.Sequence,
        cursor.Kind == EntryKind.Tombstone ? null : Encoding.UTF8.GetString(cursor.Value),
        Encoding.UTF8.GetString(cursor.Metadata),
        cursor.ExpiresAtMs);
}

/// <summary>Entries in the order given, as a source for table writers.</summary>
internal sealed class ListCursor : EntryCursor
{
    private readonly IReadOnlyList<TestEntry> _entries;
    private int _at;

    public ListCursor(IReadOnlyList<TestEntry> entries)
    {
        _entries = entries;
        Valid = entries.Count > 0;
    }

    public override ReadOnlySpan<byte> Key => _entries[_at].Data.Key;

    public override ReadOnlySpan<byte> Value => _entries[_at].Data.Value;

    public override ReadOnlySpan<byte> Metadata => _entries[_at].Data.Metadata;

    public override ulong Sequence => _entries[_at].Sequence;

    public override EntryKind Kind => _entries[_at].Data.Kind;

    public override long ExpiresAtMs => _entries[_at].ExpiresAtMs;

    public override ulong SequenceMax => _entries.Max(static entry => entry.Sequence);

    public override bool Seek(ReadOnlySpan<byte> bound, bool unbounded = false) => true;

    public override bool Advance()
    {
        Valid = ++_at < _entries.Count;
        return true;
    }

    public override ValueTask LoadAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;
}

/// <summary>Opens tables and reads them whole.</summary>
internal static class TableFixture
{
    public static ValueTask<TableReader> OpenAsync(IObjectStore objects, TableInfo info) =>
        TableReader.OpenAsync(objects, info, new BlockCache(new MemoryBudget(8 << 20)), default);

    public static async Task<List<TestEntry>> ReadAsync(TableReader table)
    {
        using var cursor = new RunCursor([table], reverse: false, new SequentialBlocks());
        if (!cursor.Seek([]))
        {
            await cursor.LoadAsync(default);
        }

        var entries = new List<TestEntry>();
        while (cursor.Valid)
        {
            entries.Add(TestEntry.Of(cursor));
            if (!cursor.Advance())
            {
                await cursor.LoadAsync(default);
            }
        }

        return entries;
    }

    public static string Text(RangeTombstone tombstone) =>
        $"{Text(tombstone.Start)}-{Text(tombstone.End ?? [])}:{tombstone.Sequence}";

    private static string Text(byte[] key) => Encoding.UTF8.GetString(key);
}
