using System.Globalization;
using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Hosting;

namespace Dmt.Cli.Tests;

public sealed class ResumeTests : IDisposable
{
    private const int Words = 60_000;
    private const int ChunkRecords = 5000;

    private readonly CliHarness _cli = new();
    private readonly StepClock _clock = new();
    private readonly string _file;
    private int _writes;
    private int _failFrom = int.MaxValue;
    private int _syncedWrites;
    private Action<int> _onWrite = _ => { };

    public ResumeTests()
    {
        _file = _cli.Folder.File(
            "words", string.Concat(
                Enumerable.Range(0, Words).Select(i => string.Create(CultureInfo.InvariantCulture, $"w{i:D6}\n"))));
        _cli.Time = _clock;
        _cli.Wrap = store => new Failing(store, this);
    }

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task A_stopped_import_goes_on_where_its_durable_prefix_ended()
    {
        _failFrom = 8;
        var error = await ImportAsync();
        Assert.Equal(ExitCodes.Unavailable, error.ExitCode);
        Assert.Contains("the disk is gone; the same command goes on at line ", error.Error, StringComparison.Ordinal);
        var checkpoint = Assert.Single(Checkpoints());
        Assert.DoesNotContain("\"Offset\":0", await File.ReadAllTextAsync(checkpoint), StringComparison.Ordinal);

        // Everything before the checkpoint is there; so a second run that writes only the rest makes it whole.
        var before = _writes;
        _failFrom = int.MaxValue;
        var result = (await ImportAsync("--json")).AssertOk();
        Assert.DoesNotContain("\"resumed_at_line\":1}", result.Text, StringComparison.Ordinal);
        Assert.Contains("going on at line ", result.Error, StringComparison.Ordinal);
        Assert.True(_writes - before < Words / ChunkRecords, "only the rest was written");
        Assert.Equal(Words, await _cli.Store.CountAsync(KeyRange.All));
        Assert.Empty(Checkpoints());
    }

    [Fact]
    public async Task A_checkpoint_covers_only_what_was_synced()
    {
        _failFrom = 8;
        await ImportAsync();
        var saved = await File.ReadAllTextAsync(Assert.Single(Checkpoints()));
        var line = long.Parse(saved.Split("\"Line\":")[1].Split(',', '}')[0], CultureInfo.InvariantCulture);
        Assert.InRange(line - 1, ChunkRecords, _syncedWrites * ChunkRecords);
    }

    [Theory]
    [InlineData("restart")]
    [InlineData("file changed")]
    [InlineData("other target")]
    public async Task A_checkpoint_does_not_count_for(string reason)
    {
        _failFrom = 8;
        await ImportAsync();
        _failFrom = int.MaxValue;
        string[] more = [];
        switch (reason)
        {
            case "restart":
                more = ["--restart"];
                break;
            case "file changed":
                await File.AppendAllTextAsync(_file, "w999999\n");
                break;
            default:
                Directory.Move(_cli.Data, _cli.Folder.Combine("moved"));
                _cli.DataName = "moved";
                break;
        }

        var result = (await ImportAsync([.. more, "--json"])).AssertOk();
        Assert.Contains("\"resumed_at_line\":1}", result.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("going on", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interrupted_import_says_so_and_can_go_on()
    {
        using var stop = new CancellationTokenSource();
        _onWrite = n =>
        {
            if (n == 8)
            {
                stop.Cancel();
            }
        };
        var result = await _cli.RunAsync([], ["import", "words", _file, "--data", _cli.Data], stop.Token);
        Assert.Equal((ExitCodes.Interrupted, "dmt: interrupted\n"), (result.ExitCode, result.Error));
        Assert.Single(Checkpoints());
        (await ImportAsync()).AssertOk();
        Assert.Equal(Words, await _cli.Store.CountAsync(KeyRange.All));
    }

    private Task<CliResult> ImportAsync(params string[] more) =>
        _cli.RunAsync(["import", "words", _file, "--data", _cli.Data, .. more]);

    private string[] Checkpoints()
    {
        var folder = Path.Combine(_cli.Environment["XDG_STATE_HOME"], "dmt", "imports");
        return Directory.Exists(folder) ? Directory.GetFiles(folder) : [];
    }

    /// <summary>Writes fail from a given one on; a sync remembers how many had been taken when it began.</summary>
    private sealed class Failing(ITrieStore inner, ResumeTests test) : ForwardingStore(inner)
    {
        private readonly Lock _lock = new(); // Guards the counts of the test.
        private readonly HashSet<int> _taken = [];

        public override async ValueTask<ulong> WriteAsync(
            WriteBatch batch, Durability? durability = null, CancellationToken cancellationToken = default)
        {
            var number = Interlocked.Increment(ref test._writes);
            test._onWrite(number);
            cancellationToken.ThrowIfCancellationRequested();
            if (number >= test._failFrom)
            {
                throw DmtException.Unavailable("the disk is gone");
            }

            var version = await base.WriteAsync(batch, durability, cancellationToken);
            var last = LastNumber(batch);
            lock (_lock)
            {
                _taken.Add(last / ChunkRecords);
            }

            return version;
        }

        public override ValueTask SyncAsync(CancellationToken cancellationToken = default)
        {
            lock (_lock)
            {
                while (_taken.Contains(test._syncedWrites))
                {
                    test._syncedWrites++;
                }
            }

            return base.SyncAsync(cancellationToken);
        }

        private static int LastNumber(WriteBatch batch)
        {
            var last = 0;
            foreach (var operation in batch)
            {
                last = int.Parse(Encoding.UTF8.GetString(operation.Key[1..]), CultureInfo.InvariantCulture);
            }

            return last;
        }
    }

    /// <summary>Every look at it is a second later, so that every chunk is due for a checkpoint.</summary>
    private sealed class StepClock : TimeProvider
    {
        private long _seconds;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Interlocked.Increment(ref _seconds);
    }
}
