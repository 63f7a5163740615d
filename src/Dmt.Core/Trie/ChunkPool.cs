using System.Runtime.InteropServices;

namespace Dmt.Core.Trie;

/// <summary>
/// Full-size chunks that disposed arenas gave back, kept for the next arena so that it need not fault them in again.
/// </summary>
internal static unsafe class ChunkPool
{
    /// <summary>Size of a pooled chunk, bytes.</summary>
    public const int ChunkBytes = 1 << 20;

    /// <summary>How many chunks are kept at most: 64 MiB.</summary>
    private const int ChunksMax = 64;

    /// <summary>Guards <see cref="Chunks"/>.</summary>
    private static readonly Lock Gate = new();
    private static readonly Stack<nint> Chunks = new();

    public static byte* Rent()
    {
        lock (Gate)
        {
            if (Chunks.TryPop(out var chunk))
            {
                return (byte*)chunk;
            }
        }

        return (byte*)NativeMemory.Alloc(ChunkBytes);
    }

    public static void Return(byte* chunk)
    {
        lock (Gate)
        {
            if (Chunks.Count < ChunksMax)
            {
                Chunks.Push((nint)chunk);
                return;
            }
        }

        NativeMemory.Free(chunk);
    }
}
