// When a read is made a second time. Two bounds keep this from making an overloaded store worse:
//
//   - the delay is a quantile of how long the last reads took, so about 1 - quantile of them outlast it, whatever the
//     load;
//   - each read earns a fraction of a hedge and a hedge costs a whole one, so that hedges stay under that
//     fraction of reads even when everything turns slow at once and the quantile has not followed yet.
//
// What a hedged read took is known only up to its first answer, later than the delay in any case: it counts as above
// the quantile either way, so hedging does not pull its own threshold down.
namespace Dmt.Objects.S3;

/// <summary>When a read that gets no answer is made a second time. Safe for concurrent use.</summary>
internal sealed class HedgePolicy
{
    /// <summary>Reads that the quantile is taken of.</summary>
    private const int SamplesMax = 256;

    /// <summary>Reads until the first quantile, and from one to the next.</summary>
    private const int SamplesPerUpdate = 32;

    /// <summary>Hedges saved up at most: a quiet hour must not pay for a storm.</summary>
    private const double SavedMax = 10;

    private readonly Lock _lock = new(); // Guards all that is not readonly.
    private readonly TimeSpan[] _samples = new TimeSpan[SamplesMax];
    private readonly S3ObjectStoreOptions _options;
    private long _reads;
    private double _saved = 1;
    private TimeSpan _delay;

    public HedgePolicy(S3ObjectStoreOptions options)
    {
        _options = options;
        _delay = options.HedgeDelayMax;
    }

    public bool Enabled => _options.HedgeQuantile > 0 && _options.HedgeShareMax > 0;

    /// <summary>How long a read waits for its first answer before it is made a second time.</summary>
    public TimeSpan Delay
    {
        get
        {
            lock (_lock)
            {
                return _delay;
            }
        }
    }

    /// <summary>Records how long a read took to its first answer, and earns it its fraction of a hedge.</summary>
    public void Observe(TimeSpan took)
    {
        lock (_lock)
        {
            _samples[_reads++ % SamplesMax] = took;
            _saved = Math.Min(_saved + _options.HedgeShareMax, SavedMax);
            if (_reads % SamplesPerUpdate == 0)
            {
                var sorted = _samples[..(int)Math.Min(_reads, SamplesMax)];
                Array.Sort(sorted);
                var quantile = sorted[Math.Min((int)(sorted.Length * _options.HedgeQuantile), sorted.Length - 1)];
                _delay = TimeSpan.FromTicks(
                    Math.Clamp(quantile.Ticks, _options.HedgeDelayMin.Ticks, _options.HedgeDelayMax.Ticks));
            }
        }
    }

    /// <summary>Takes a hedge out of what was saved; false where there is none.</summary>
    public bool TryTake()
    {
        lock (_lock)
        {
            if (_saved < 1)
            {
                return false;
            }

            _saved--;
            return true;
        }
    }
}
