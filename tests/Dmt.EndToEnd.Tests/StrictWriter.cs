using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Dmt.EndToEnd.Tests;

/// <summary>
/// Writes to keys of its own, one strict write at a time: puts, overwrites, deletes and atomic batches. It notes what
/// was acknowledged. Invariant: a key holds what was noted, unless the one write whose answer never came took effect;
/// that one takes effect as a whole or not at all.
/// </summary>
internal sealed class StrictWriter(int number, int seed)
{
    private const int Keys = 120;
    private const int BatchMax = 6;
    private readonly Random _random = new(seed);
    private readonly SortedDictionary<string, string> _noted = new(StringComparer.Ordinal);
    private Dictionary<string, string?> _unanswered = [];
    private int _version;

    public int Acknowledged { get; private set; }

    /// <summary>Writes that took effect although the kill swallowed their answer.</summary>
    public int TookEffectUnanswered { get; private set; }

    private string Prefix => $"w{number}/";

    /// <summary>Writes until the server is gone.</summary>
    public async Task WriteAsync(HttpClient client, KillSwitch kill)
    {
        while (true)
        {
            _unanswered = Draw();
            try
            {
                using var response = await SendAsync(client, _unanswered);
                Assert.True(response.IsSuccessStatusCode, $"{Prefix}: {response}");
            }
            catch (HttpRequestException)
            {
                return;
            }

            Note(_unanswered);
            _unanswered = [];
            Acknowledged++;
            kill.Acknowledged();
        }
    }

    /// <summary>
    /// Writes until the server is gone, or another has taken over from it. The write that is refused may have taken
    /// effect all the same: it was in the log, and only its acknowledgement came too late.
    /// </summary>
    public async Task WriteUntilFencedAsync(HttpClient client)
    {
        while (true)
        {
            _unanswered = Draw();
            try
            {
                using var response = await SendAsync(client, _unanswered);
                if (!response.IsSuccessStatusCode)
                {
                    var problem = await response.Content.ReadAsStringAsync();
                    Assert.Contains("\"kind\":\"Fenced\"", problem, StringComparison.Ordinal);
                    return;
                }
            }
            catch (HttpRequestException)
            {
                return;
            }

            Note(_unanswered);
            _unanswered = [];
            Acknowledged++;
        }
    }

    /// <summary>Checks its keys against what a server holds, and takes over what the unanswered write left.</summary>
    public void Verify(IReadOnlyDictionary<string, string> stored, string context)
    {
        var before = Differences(_noted, stored);
        if (before.Count > 0)
        {
            Note(_unanswered);
            var after = Differences(_noted, stored);
            Assert.True(
                after.Count == 0,
                $"{context}: without the unanswered write ({string.Join(", ", _unanswered.Keys)}):\n"
                    + $"{string.Join('\n', before.Take(20))}\nand with it:\n{string.Join('\n', after.Take(20))}");
            TookEffectUnanswered++;
        }

        _unanswered = [];
    }

    private List<string> Differences(
        SortedDictionary<string, string> expected, IReadOnlyDictionary<string, string> stored) =>
        [
            .. expected.Where(e => stored.GetValueOrDefault(e.Key) != e.Value)
                .Select(e => $"  {e.Key}: noted {Short(e.Value)}, stored {Short(stored.GetValueOrDefault(e.Key))}"),
            .. stored.Where(e => e.Key.StartsWith(Prefix, StringComparison.Ordinal) && !expected.ContainsKey(e.Key))
                .Select(e => $"  {e.Key}: noted as absent, stored {Short(e.Value)}"),
        ];

    private static string Short(string? value) =>
        value is null ? "nothing" : $"{value[..Math.Min(value.Length, 40)]} ({value.Length} characters)";

    private void Note(Dictionary<string, string?> write)
    {
        foreach (var (key, value) in write)
        {
            if (value is null)
            {
                _noted.Remove(key);
            }
            else
            {
                _noted[key] = value;
            }
        }
    }

    /// <summary>One write: keys and their new values, null for a delete.</summary>
    private Dictionary<string, string?> Draw()
    {
        _version++;
        var kind = _random.Next(10);
        if (kind == 0)
        {
            return new() { [DrawKey()] = null };
        }

        var write = new Dictionary<string, string?>();
        var keys = kind == 1 ? _random.Next(2, BatchMax + 1) : 1;
        while (write.Count < keys)
        {
            var key = DrawKey();
            write[key] = DrawValue(key);
        }

        return write;
    }

    private string DrawKey() => $"{Prefix}k{_random.Next(Keys):D3}";

    private string DrawValue(string key)
    {
        var length = _random.Next(20) switch { 0 => 20_000, < 4 => 2_000, _ => 150 };
        return $"{key} version {_version} ".PadRight(_random.Next(length), (char)('a' + (_version % 26))) + ".";
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient client, Dictionary<string, string?> write)
    {
        if (write.Count > 1)
        {
            var batch = new StringContent(JsonSerializer.Serialize(write));
            batch.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            return client.PostAsync("/bulk?fsync=strict", batch);
        }

        var (key, value) = write.Single();
        var address = $"/kv/{key}?fsync=strict";
        return value is null
            ? client.DeleteAsync(address)
            : client.PutAsync(address, new StringContent(value, Encoding.UTF8));
    }
}
