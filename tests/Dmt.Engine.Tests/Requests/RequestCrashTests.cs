using System.Globalization;
using Dmt.Core;
using Dmt.Engine.Tests.Torture;
using Dmt.Testing;

namespace Dmt.Engine.Tests.Requests;

/// <summary>
/// One shard, whose machine stops again and again and loses the end of the log. What survives is a prefix, so a request
/// was applied exactly when its version is not above the last one that survived.
/// </summary>
public sealed class RequestCrashTests : IDisposable
{
    private const int PendingMax = 40;

    private readonly TemporaryDirectory _directory = new();
    private readonly ManualClock _clock = new();
    private readonly List<Sent> _sent = [];
    private SortedDictionary<string, string> _model = [];
    private TrieStore _store = null!;
    private string _folder = "";
    private int _folders;
    private int _lost;
    private int _kept;

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task However_often_a_write_is_sent_and_the_machine_stops_it_is_applied_once(int seed)
    {
        var random = new Random(seed);
        await OpenAsync(Path.Combine(_directory.Path, "0"));
        for (var step = 0; step < 400; step++)
        {
            var when = $"seed {seed}, step {step}";
            switch (random.Next(100))
            {
                case < 40:
                    await SendAsync(random, step);
                    break;
                case < 75 when _sent.Count > 0:
                    await SendAgainAsync(_sent[random.Next(_sent.Count)], random, when);
                    break;
                case < 90:
                    var key = RandomKey(random);
                    await _store.PutAsync(key, $"{step}", Level(random));
                    _model[key] = $"{step}";
                    break;
                case < 92:
                    await _store.FlushAsync();
                    break;
                case < 93:
                    await _store.CompactAsync();
                    break;
                case < 95:
                    await _store.SyncAsync();
                    break;
                case < 96:
                    await _store.DisposeAsync();
                    await OpenAsync(_folder);
                    break;
                default:
                    await CrashAsync();
                    break;
            }

            Assert.Equal(_model, await ReadAsync());
        }

        Assert.True(_lost > 3 && _kept > 20, $"{_lost} lost and {_kept} kept in crashes are too few to mean much");
        await _store.DisposeAsync();
    }

    private static WriteOptions Level(Random random) =>
        new() { Durability = random.Next(4) == 0 ? Durability.Strict : Durability.Default };

    private static string RandomKey(Random random) => $"k{random.Next(12)}";

    private async Task OpenAsync(string folder)
    {
        _folder = folder;
        _store = await TrieStore.OpenAsync(folder, TinyOptions.Create(), _clock);
    }

    private async Task SendAsync(Random random, int step)
    {
        var number = _sent.Count == 0 ? 1 : _sent[^1].Request.Number + 1;
        if (_sent.Count == PendingMax)
        {
            _sent.RemoveAt(0);
        }

        var pendingFrom = _sent.Count == 0 ? number : _sent[0].Request.Number;
        var batch = new WriteBatch { Request = new RequestId(77, number, pendingFrom) };
        for (var left = random.Next(1, 4); left > 0; left--)
        {
            var value = string.Create(CultureInfo.InvariantCulture, $"{step}.{left}");
            batch.Put(Bytes(RandomKey(random)), Bytes(value.PadRight(random.Next(9) == 0 ? 900 : 5, '.')));
        }

        var sent = new Sent(batch);
        _sent.Add(sent);
        if (random.Next(4) > 0)
        {
            await SendAgainAsync(sent, random, $"step {step}");
        }
    }

    private async Task SendAgainAsync(Sent sent, Random random, string when)
    {
        var last = _store.LastSequence;
        var version = await _store.WriteAsync(sent.Batch, Level(random).Durability);
        if (sent.Version is { } first)
        {
            Assert.True(first == version, $"{when}: {sent.Request} has version {version}, had {first}");
            Assert.Equal(last, _store.LastSequence);
            return;
        }

        Assert.Equal(last + (ulong)sent.Batch.Count + 1, version);
        sent.Version = version;
        foreach (var operation in sent.Batch)
        {
            _model[Text(operation.Key)] = Text(operation.Value);
        }
    }

    /// <summary>Goes on with what lies in the folder, without what the log has in memory.</summary>
    private async Task CrashAsync()
    {
        var copy = Path.Combine(_directory.Path, $"{++_folders}");
        StoreFolder.CopyTo(_folder, copy);
        await _store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        await OpenAsync(copy);
        _model = await ReadAsync();
        foreach (var sent in _sent)
        {
            if (sent.Version > _store.LastSequence)
            {
                sent.Version = null;
                _lost++;
            }
            else if (sent.Version is not null)
            {
                _kept++;
            }
        }
    }

    private async Task<SortedDictionary<string, string>> ReadAsync()
    {
        var page = await _store.ScanAsync(new ScanRequest());
        return new(page.Entries.ToDictionary(static e => Text(e.Key.Span), static e => Text(e.Entry.Value.Span)));
    }

    private static byte[] Bytes(string text) => System.Text.Encoding.ASCII.GetBytes(text);

    private static string Text(ReadOnlySpan<byte> bytes) => System.Text.Encoding.ASCII.GetString(bytes);

    /// <summary>A request, and its version while it is known to be applied.</summary>
    private sealed class Sent(WriteBatch batch)
    {
        public WriteBatch Batch => batch;

        public RequestId Request => batch.Request!.Value;

        public ulong? Version { get; set; }
    }
}
