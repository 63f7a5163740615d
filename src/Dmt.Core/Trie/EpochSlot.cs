using System.Runtime.InteropServices;

namespace Dmt.Core.Trie;

/// <summary>
/// What one reader announces: the epoch that it entered in, 0 while it is outside. Padded on both sides so that two
/// readers never write to one cache line (or to the pair of lines that some processors fetch together).
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal sealed class EpochSlot
{
    [FieldOffset(128)]
    public long Epoch;

    /// <summary>How often the owner has entered and not left. Touched by the owner only.</summary>
    [FieldOffset(136)]
    public int Depth;
}
