using Dmt.Core;
using Dmt.Engine.Tables;

namespace Dmt.Engine;

/// <summary>
/// Copies entries into a page, many to a buffer, so that a page of small entries costs few allocations.
/// </summary>
internal sealed class PageBuilder(ScanRequest request)
{
    private const int BufferBytes = 16 << 10;

    private readonly List<KeyEntry> _entries = new(Math.Min(request.Limit, 1024));
    private Memory<byte> _room;
    private long _bytes;

    public bool IsFull => _entries.Count >= request.Limit || _bytes >= request.BytesMax;

    public void Add(in EntryData entry)
    {
        var value = request.KeysOnly ? default : entry.Value;
        _bytes += entry.Key.Length + value.Length + entry.Metadata.Length;
        DateTimeOffset? expiresAt =
            entry.ExpiresAtMs > 0 ? DateTimeOffset.FromUnixTimeMilliseconds(entry.ExpiresAtMs) : null;
        _entries.Add(new KeyEntry(
            Copy(entry.Key), new Entry(Copy(value), entry.Sequence, Copy(entry.Metadata), expiresAt)));
    }

    /// <param name="more">There are entries behind the page.</param>
    public ScanPage Build(bool more) =>
        new(_entries, more && _entries.Count > 0 ? PageCursor.Encode(_entries[^1].Key.Span, request.Reverse) : null);

    private ReadOnlyMemory<byte> Copy(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return default;
        }

        if (bytes.Length > BufferBytes / 4)
        {
            return bytes.ToArray();
        }

        if (_room.Length < bytes.Length)
        {
            _room = GC.AllocateUninitializedArray<byte>(BufferBytes);
        }

        var copy = _room[..bytes.Length];
        bytes.CopyTo(copy.Span);
        _room = _room[bytes.Length..];
        return copy;
    }
}
