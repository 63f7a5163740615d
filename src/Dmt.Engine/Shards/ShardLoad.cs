// How much a shard is asked for. It must cost next to nothing, so of every SampleEvery operations of a thread one is
// looked at, whichever shard it is for: a shard gets its share of the samples. The number is a prime, so that a thread
// that goes through shards or keys in turns does not always come to the same one.
//
// Samples are counted in windows. The rate is that of the present window and of the one before, as far as that lies in
// the last Window. Decisions go by whole windows only: what is over in a moment moves nothing.
using System.Runtime.CompilerServices;

namespace Dmt.Engine.Shards;

/// <summary>The load of one shard, and of late the keys that make it. Safe for concurrent use.</summary>
/// <param name="time">The clock.</param>
/// <param name="most">With more operations a second the shard is hot; null for never: then no keys are kept.</param>
internal sealed class ShardLoad(TimeProvider time, long? most)
{
    /// <summary>One of so many operations is a sample.</summary>
    public const int SampleEvery = 61;

    /// <summary>With less than this part of what makes it hot, a shard is cool.</summary>
    public const int CoolPart = 8;

    private const int KeysKept = 256;

    public static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    [ThreadStatic]
    private static int _sinceSample;

    private readonly Lock _lock = new(); // guards all below; innermost
    private readonly Queue<byte[]> _keys = new();
    private long _began = time.GetTimestamp(); // of the present window
    private long _samples;
    private long _samplesBefore; // of the window before
    private long _warmAt = time.GetTimestamp(); // the end of the last window in which it was not cool

    /// <summary>Operations a second, of late: in steps of about 6.</summary>
    public double PerSecond
    {
        get
        {
            lock (_lock)
            {
                Roll();
                var passed = time.GetElapsedTime(_began) / Window;
                return ((_samplesBefore * (1 - passed)) + _samples) * SampleEvery / Window.TotalSeconds;
            }
        }
    }

    /// <summary>In the last whole window there was more than the shard is to have.</summary>
    public bool IsHot
    {
        get
        {
            lock (_lock)
            {
                Roll();
                return RateBefore > most;
            }
        }
    }

    /// <summary>For so long every whole window was cool.</summary>
    public TimeSpan CoolFor
    {
        get
        {
            lock (_lock)
            {
                Roll();
                return time.GetElapsedTime(_warmAt);
            }
        }
    }

    private double RateBefore => _samplesBefore * SampleEvery / Window.TotalSeconds;

    /// <summary>Counts an operation of this thread.</summary>
    /// <returns>True when it is a sample.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsSample()
    {
        if (++_sinceSample < SampleEvery)
        {
            return false;
        }

        _sinceSample = 0;
        return true;
    }

    /// <summary>Adds a sample.</summary>
    /// <returns>True when it is the first after a window in which the shard was hot.</returns>
    public bool Add(ReadOnlySpan<byte> key)
    {
        lock (_lock)
        {
            var ended = Roll();
            _samples++;
            if (most is null)
            {
                return false;
            }

            if (_keys.Count == KeysKept)
            {
                _keys.Dequeue();
            }

            _keys.Enqueue(key.ToArray());
            return ended && RateBefore > most;
        }
    }

    /// <summary>The last keys that were sampled.</summary>
    public IReadOnlyList<WeightedKey> Keys()
    {
        lock (_lock)
        {
            return [.. _keys.Select(static key => new WeightedKey(key, 1))];
        }
    }

    /// <summary>What it has is another part of the keys now: what was before says nothing.</summary>
    public void Restart()
    {
        lock (_lock)
        {
            _keys.Clear();
            (_samples, _samplesBefore, _began) = (0, 0, time.GetTimestamp());
            _warmAt = _began;
        }
    }

    /// <summary>Under _lock. True when a window has ended.</summary>
    private bool Roll()
    {
        var passed = time.GetElapsedTime(_began);
        if (passed < Window)
        {
            return false;
        }

        var ended = _began + (long)(Window.TotalSeconds * time.TimestampFrequency);
        if (_samples * SampleEvery / Window.TotalSeconds * CoolPart >= most)
        {
            _warmAt = ended;
        }

        // After a pause the window before this one was empty.
        (_samplesBefore, _began) = passed < 2 * Window ? (_samples, ended) : (0, time.GetTimestamp());
        _samples = 0;
        return true;
    }
}
