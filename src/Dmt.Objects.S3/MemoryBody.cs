using System.Runtime.InteropServices;

namespace Dmt.Objects.S3;

/// <summary>Bytes in memory as the body of a request.</summary>
internal static class MemoryBody
{
    /// <summary>A stream over the bytes themselves, or over a copy where they are not in an array.</summary>
    public static MemoryStream Of(ReadOnlyMemory<byte> content) =>
        MemoryMarshal.TryGetArray(content, out var array) && array.Array is not null
            ? new MemoryStream(array.Array, array.Offset, array.Count, writable: false)
            : new MemoryStream(content.ToArray(), writable: false);
}
