using System.Diagnostics;
using System.Globalization;

namespace Dmt.EndToEnd.Tests;

/// <summary>
/// Writers with keys of their own, each one write after the other, as fast as they can. What is refused must be refused
/// as out of reach, and is written again.
/// </summary>
internal sealed class OutageLoad
{
    private const int Phases = 3;
    private static readonly string Padding = new('p', 100);
    private readonly long[,] _counts = new long[Phases, 3];
    private readonly Lock _lock = new(); // guards _counts, _longest and _awaited
    private List<Writer> _writers = [];
    private Task _running = Task.CompletedTask;
    private TaskCompletionSource? _awaited;
    private long _left;
    private TimeSpan _longest;
    private volatile bool _stops;
    private volatile int _phase;

    /// <summary>What answers are counted under: 0, 1 or 2.</summary>
    public int Phase { set => _phase = value; }

    public void Start(HttpClient client, int writers, Func<int, bool> strict)
    {
        _writers = [.. Enumerable.Range(0, writers).Select(i => new Writer(i, strict(i)))];
        _running = Task.WhenAll(_writers.Select(writer => Task.Run(() => WriteAsync(client, writer))));
    }

    /// <summary>Returns when so many strict writes more have been acknowledged.</summary>
    public async Task AcknowledgedAsync(int writes)
    {
        Task reached;
        lock (_lock)
        {
            _left = writes;
            _awaited = new(TaskCreationOptions.RunContinuationsAsynchronously);
            reached = _awaited.Task;
        }

        // A writer that ends by itself has found a fault, which Task.WhenAll throws.
        await await Task.WhenAny(reached, _running).WaitAsync(TimeSpan.FromMinutes(2));
    }

    /// <summary>Returns when every writer has its last answer.</summary>
    public Task StopAsync()
    {
        _stops = true;
        return _running;
    }

    /// <summary>All that was acknowledged is there, with the value that was.</summary>
    public void Check(IReadOnlyDictionary<string, string> stored)
    {
        Assert.All(_writers, writer => Assert.NotEqual(0, writer.Acknowledged));
        var lost = _writers
            .SelectMany(writer => Enumerable.Range(0, writer.Acknowledged).Select(i => (writer, i)))
            .Where(write => stored.GetValueOrDefault(Key(write.writer, write.i)) != Value(write.i))
            .Select(write => $"{Key(write.writer, write.i)} of {write.writer}")
            .ToList();
        Assert.True(lost.Count == 0, $"{lost.Count} acknowledged writes are lost: {string.Join(", ", lost.Take(20))}");
    }

    public override string ToString() => string.Join('\n', [
        .. new[] { "before", "during", "after" }.Select((phase, i) => string.Create(
            CultureInfo.InvariantCulture,
            $"{phase}: {_counts[i, 0]} strict and {_counts[i, 1]} other writes acknowledged, {_counts[i, 2]} refused")),
        string.Create(CultureInfo.InvariantCulture, $"the longest answer took {_longest.TotalSeconds:F1} s"),
    ]);

    private static string Key(Writer writer, int i) => $"{writer.Number:D3}/{i:D7}";

    private static string Value(int i) => $"{i} {Padding}";

    private async Task WriteAsync(HttpClient client, Writer writer)
    {
        while (!_stops)
        {
            var level = writer.IsStrict ? "strict" : "default";
            using var content = new StringContent(Value(writer.Acknowledged));
            var clock = Stopwatch.StartNew();
            using var answer = await client.PutAsync(
                $"/kv/{Uri.EscapeDataString(Key(writer, writer.Acknowledged))}?fsync={level}", content);
            if (!answer.IsSuccessStatusCode)
            {
                var problem = await answer.Content.ReadAsStringAsync();
                Assert.Contains("\"kind\":\"Unavailable\"", problem, StringComparison.Ordinal);
            }

            Note(writer, answer.IsSuccessStatusCode, clock.Elapsed);
        }
    }

    private void Note(Writer writer, bool acknowledged, TimeSpan took)
    {
        if (acknowledged)
        {
            writer.Acknowledged++;
        }

        lock (_lock)
        {
            _counts[_phase, !acknowledged ? 2 : writer.IsStrict ? 0 : 1]++;
            _longest = took > _longest ? took : _longest;
            if (acknowledged && writer.IsStrict && --_left == 0)
            {
                _awaited?.TrySetResult();
            }
        }
    }

    private sealed record Writer(int Number, bool IsStrict)
    {
        public int Acknowledged { get; set; }
    }
}
