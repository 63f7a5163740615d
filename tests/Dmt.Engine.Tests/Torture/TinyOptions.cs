namespace Dmt.Engine.Tests.Torture;

/// <summary>Sizes so small that a little data is many memtables, blocks, tables and levels.</summary>
internal static class TinyOptions
{
    public static EngineOptions Create() => new()
    {
        CacheBytes = 8 << 20,
        MemtableBytes = 64 << 10,
        BlockBytes = 512,
        TableBytes = 64 << 10,
        LevelBaseBytes = 128 << 10,
        LogSegmentBytes = 64 << 10,
    };
}
