using System.Globalization;

namespace Dmt.EndToEnd.Tests;

/// <summary>
/// One connection that writes, strictly one after the other, the numbered keys k000001, k000002 and so on, and before
/// each the counter with its number. What survives a kill must be what some prefix of these writes leaves: the keys up
/// to a number n, and the counter at n (after key n) or at n + 1 (before key n + 1).
/// Now and then it asks for a sync: then the prefix reaches at least so far.
/// </summary>
internal sealed class SequenceWriter(int number)
{
    private const int ValueBytes = 1000;
    private int _synced;

    /// <summary>The number of the last key that was acknowledged.</summary>
    public int Acknowledged { get; private set; }

    /// <summary>Keys that are there after the last kill.</summary>
    public int Survived { get; private set; }

    /// <summary>Acknowledged keys that kills took.</summary>
    public int Lost { get; private set; }

    private string Counter => $"{number}/counter";

    /// <summary>Writes on from what survived until the server is gone.</summary>
    /// <param name="server">Its address.</param>
    /// <param name="syncEvery">Keys from one sync to the next.</param>
    /// <param name="kill">Is told of each key that is acknowledged.</param>
    public async Task WriteAsync(Uri server, int syncEvery, KillSwitch kill)
    {
        using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = 1 };
        using var client = new HttpClient(handler) { BaseAddress = server };
        Acknowledged = Survived;
        try
        {
            while (true)
            {
                await PutAsync(client, Counter, Acknowledged + 1);
                await PutAsync(client, Name(Acknowledged + 1), Acknowledged + 1);
                Acknowledged++;
                kill.Acknowledged();
                if (Acknowledged % syncEvery == 0)
                {
                    using var answer = await client.PostAsync("/api/v1/sync", null);
                    Assert.True(answer.IsSuccessStatusCode, $"sync: {answer}");
                    _synced = Acknowledged;
                }
            }
        }
        catch (HttpRequestException)
        {
            // The server is gone.
        }
    }

    public void Verify(IReadOnlyDictionary<string, string> stored, string context)
    {
        var prefix = $"{number}/k";
        var keys = stored.Where(e => e.Key.StartsWith(prefix, StringComparison.Ordinal)).ToList();
        var counter = stored.TryGetValue(Counter, out var text) ? Parse(text) : 0;
        for (var i = 0; i < keys.Count; i++)
        {
            Assert.True(
                keys[i].Key == Name(i + 1) && Parse(keys[i].Value) == i + 1,
                $"{context}: {keys[i].Key} = {Parse(keys[i].Value)} stands where {Name(i + 1)} belongs; acknowledged "
                    + $"{Acknowledged}, stored {keys.Count}, survived the kill before {Survived}");
        }

        Assert.True(
            counter == keys.Count || counter == keys.Count + 1,
            $"{context}: {keys.Count} keys of {number} survived, but the counter is {counter}");
        Assert.True(
            keys.Count >= Survived, $"{context}: {Survived} keys survived the kill before, now only {keys.Count}");
        Assert.True(keys.Count >= _synced, $"{context}: {_synced} keys were synced, only {keys.Count} survived");

        // The last write may have taken effect without an answer.
        Assert.InRange(keys.Count, 0, Acknowledged + 1);
        Lost += Math.Max(0, Acknowledged - keys.Count);
        Survived = keys.Count;
    }

    private static int Parse(string text) =>
        int.Parse(text.TrimEnd('.'), NumberStyles.None, CultureInfo.InvariantCulture);

    private string Name(int i) => $"{number}/k{i:D6}";

    private static async Task PutAsync(HttpClient client, string key, int value)
    {
        using var content = new StringContent(
            value.ToString(CultureInfo.InvariantCulture).PadRight(ValueBytes, '.'));
        using var response = await client.PutAsync($"/kv/{key}", content);
        Assert.True(response.IsSuccessStatusCode, $"{key}: {response}");
    }
}
