namespace Dmt.Engine.Memory;

/// <summary>
/// One budget for a whole node. Memtables take what they need (writers wait when there are too many of them); the block
/// cache has the rest, but never less than an eighth, and only half of it while the runtime reports memory pressure.
/// Thread-safe.
/// </summary>
internal sealed class MemoryBudget(long cacheBytes)
{
    private const int PressureCheckInterval = 1024;

    private long _memtableBytes;
    private int _untilPressureCheck;
    private bool _underPressure;

    public long CacheBytesMax => cacheBytes;

    /// <summary>Bytes reserved by memtables, live and frozen.</summary>
    public long MemtableBytes => Interlocked.Read(ref _memtableBytes);

    /// <summary>Memtables together have more than half of the budget.</summary>
    public bool IsOverMemtables => Interlocked.Read(ref _memtableBytes) > cacheBytes / 2;

    public long BlockCacheBytesMax
    {
        get
        {
            if (Interlocked.Decrement(ref _untilPressureCheck) < 0)
            {
                var info = GC.GetGCMemoryInfo();
                _underPressure = info.HighMemoryLoadThresholdBytes > 0
                    && info.MemoryLoadBytes >= info.HighMemoryLoadThresholdBytes;
                Volatile.Write(ref _untilPressureCheck, PressureCheckInterval);
            }

            var most = Math.Max(cacheBytes - MemtableBytes, cacheBytes / 8);
            return _underPressure ? most / 2 : most;
        }
    }

    /// <summary>A memtable grew (or, negative, is gone).</summary>
    public void AddMemtableBytes(long bytes) => Interlocked.Add(ref _memtableBytes, bytes);
}
