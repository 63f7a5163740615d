using System.Diagnostics;

namespace Dmt.Silo.Tests;

/// <summary>Writes keys of its own under one prefix, strictly, through one silo after the other.</summary>
internal sealed class ClusterWriter(string prefix, params ServerProcess[] silos)
{
    private readonly List<(string Key, long At)> _acknowledged = [];
    private readonly List<string> _failures = [];
    private volatile bool _stops;
    private long _since = long.MaxValue;
    private int _wanted;
    private TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Prefix => prefix;

    /// <summary>Answers that were none, or that were errors. Complete once it has ended.</summary>
    public IReadOnlyList<string> Failures => _failures;

    /// <summary>Writes acknowledged. Complete once it has ended.</summary>
    public int Acknowledged => _acknowledged.Count;

    public async Task RunAsync()
    {
        for (var number = 0; !_stops; number++)
        {
            var key = $"{prefix}/{number:D6}";
            var silo = silos[number % silos.Length];
            try
            {
                using var content = new StringContent(ValueOf(key));
                using var answer = await silo.Client.PutAsync($"/kv/{key}?fsync=strict", content);
                if (answer.IsSuccessStatusCode)
                {
                    Note(key, Stopwatch.GetTimestamp());
                }
                else
                {
                    _failures.Add($"{key}: {answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
                }
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                _failures.Add($"{key}: {e.Message}");
            }
        }
    }

    /// <summary>Returns after so many more acknowledged writes.</summary>
    public Task MoreAsync(int writes)
    {
        lock (_acknowledged)
        {
            _since = Stopwatch.GetTimestamp();
            _wanted = writes;
            _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _reached.Task;
        }
    }

    public void Stop() => _stops = true;

    /// <summary>From a moment to the first write acknowledged after it.</summary>
    public TimeSpan FirstAfter(long moment) =>
        Stopwatch.GetElapsedTime(moment, _acknowledged.First(write => write.At > moment).At);

    /// <summary>The longest time without an acknowledged write.</summary>
    public TimeSpan LongestPause() =>
        _acknowledged.Zip(_acknowledged.Skip(1), static (a, b) => Stopwatch.GetElapsedTime(a.At, b.At)).Max();

    /// <summary>Every write that was acknowledged is there.</summary>
    public void Verify(IReadOnlyDictionary<string, string> stored)
    {
        var lost = _acknowledged.Where(write => stored.GetValueOrDefault(write.Key) != ValueOf(write.Key))
            .Select(static write => write.Key).ToList();
        Assert.True(
            lost.Count == 0,
            $"{lost.Count} of {_acknowledged.Count} acknowledged writes are lost: {string.Join(", ", lost.Take(20))}");
    }

    private void Note(string key, long at)
    {
        lock (_acknowledged)
        {
            _acknowledged.Add((key, at));
            if (at > _since && --_wanted == 0)
            {
                _reached.SetResult();
            }
        }
    }

    private static string ValueOf(string key) =>
        $"value of {key} ".PadRight(100, (char)('a' + (key[^1] % 26)));
}
