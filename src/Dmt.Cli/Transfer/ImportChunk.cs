using Dmt.Core;

namespace Dmt.Cli.Transfer;

/// <summary>Records that go to the store in one batch, and where in the source they end.</summary>
internal sealed class ImportChunk
{
    private readonly HashSet<int> _keyHashes = [];
    private readonly List<long> _lines = [];

    public WriteBatch Batch { get; } = new(64 << 10);

    /// <summary>For each operation of the batch: its line in the source.</summary>
    public IReadOnlyList<long> Lines => _lines;

    /// <summary>The line whose record is being added.</summary>
    public long Line { get; set; }

    /// <summary>Offset in the source after the last record.</summary>
    public long EndOffset { get; set; }

    /// <summary>The line at <see cref="EndOffset"/>.</summary>
    public long EndLine { get; set; }

    public void Put(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, DateTimeOffset? expiresAt, ReadOnlySpan<byte> metadata)
    {
        Batch.Put(key, value, expiresAt, metadata);
        Note(key);
    }

    public void Delete(ReadOnlySpan<byte> key)
    {
        Batch.Delete(key);
        Note(key);
    }

    /// <summary>True when some key may be in both: then the two must not be on their way at the same time.</summary>
    public bool MayShareKeysWith(ImportChunk other) => _keyHashes.Overlaps(other._keyHashes);

    private void Note(ReadOnlySpan<byte> key)
    {
        var hash = default(HashCode);
        hash.AddBytes(key);
        _keyHashes.Add(hash.ToHashCode());
        _lines.Add(Line);
    }
}
