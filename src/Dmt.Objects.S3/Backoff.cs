namespace Dmt.Objects.S3;

/// <summary>
/// Exponential backoff with full jitter: the pause before the n-th retry is drawn evenly from 0 to twice what it could
/// be before, up to a most. Clients that failed together come back apart. Safe for concurrent use.
/// </summary>
/// <param name="random">Where chance comes from.</param>
/// <param name="first">Longest pause before the first retry.</param>
/// <param name="most">Longest pause before any.</param>
internal sealed class Backoff(Random random, TimeSpan first, TimeSpan most)
{
    private readonly Lock _lock = new(); // Guards the random numbers.

    /// <param name="retry">Number of the retry, from 0.</param>
    public TimeSpan Pause(int retry)
    {
        var ceiling = Math.Min(first.TotalMilliseconds * Math.Pow(2, retry), most.TotalMilliseconds);
        lock (_lock)
        {
            return TimeSpan.FromMilliseconds(random.NextDouble() * ceiling);
        }
    }
}
