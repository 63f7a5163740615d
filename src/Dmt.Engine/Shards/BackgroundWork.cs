namespace Dmt.Engine.Shards;

/// <summary>What goes on behind the writers. Each kind has a problem of its own, gone with its next success.</summary>
internal enum BackgroundWork
{
    Flush,
    Compaction,

    /// <summary>Carving and merging by size.</summary>
    Balance,
}
