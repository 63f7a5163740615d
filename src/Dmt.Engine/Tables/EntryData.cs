namespace Dmt.Engine.Tables;

/// <summary>One version of one key, as it travels from memtables and tables into tables.</summary>
internal ref struct EntryData
{
    public ReadOnlySpan<byte> Key;
    public ReadOnlySpan<byte> Value;
    public ReadOnlySpan<byte> Metadata;
    public ulong Sequence;

    /// <summary>Milliseconds since 1970-01-01 UTC; 0 means never.</summary>
    public long ExpiresAtMs;
    public EntryKind Kind;
}
