namespace Dmt.Core;

/// <summary>A key and what it holds; one row of a scan. The value is empty when the scan asked for keys only.</summary>
public readonly record struct KeyEntry(ReadOnlyMemory<byte> Key, Entry Entry);
