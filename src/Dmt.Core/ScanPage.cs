namespace Dmt.Core;

/// <summary>A page of a scan: a snapshot of its part of the range.</summary>
/// <param name="Entries">In key order, or in reverse when that was asked.</param>
/// <param name="Cursor">
/// Opaque; hand it to the next request. It survives restarts. Null when the range is exhausted.
/// </param>
public sealed record ScanPage(IReadOnlyList<KeyEntry> Entries, string? Cursor);
