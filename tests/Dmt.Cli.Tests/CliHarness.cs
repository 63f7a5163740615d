using System.Text;
using Dmt.Core;
using Dmt.Engine.Inspection;
using Dmt.Hosting.Configuration;

namespace Dmt.Cli.Tests;

/// <summary>
/// The program in this process, with captured streams, an environment and a state folder of its own. Each folder named
/// with
/// --data is a model store that lives as long as the harness.
/// </summary>
internal sealed class CliHarness : IDisposable
{
    private readonly Dictionary<string, ITrieStore> _folders = [];

    public CliHarness() => Environment["XDG_STATE_HOME"] = Folder.Combine("state");

    public TempFolder Folder { get; } = new();

    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>What stands in the way of the folders' stores.</summary>
    public Func<ITrieStore, ITrieStore> Wrap { get; set; } = store => store;

    public List<InspectLine> Inspection { get; } = [];

    /// <summary>An existing, empty folder whose store is a model.</summary>
    public string Data => Directory.CreateDirectory(Folder.Combine(DataName)).FullName;

    public string DataName { get; set; } = "data";

    /// <summary>The buckets that were opened.</summary>
    public List<BucketSettings> Buckets { get; } = [];

    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>The model behind <see cref="Data"/>.</summary>
    public ITrieStore Store => StoreOf(Data);

    public Task<CliResult> RunAsync(params string[] arguments) => RunAsync([], arguments);

    public async Task<CliResult> RunAsync(
        byte[] input, string[] arguments, CancellationToken cancellationToken = default)
    {
        using var output = new MemoryStream();
        var error = new StringWriter { NewLine = "\n" };
        var exitCode = await DmtProgram.RunAsync(arguments, Io(input, output, error), cancellationToken);
        return new(exitCode, output.ToArray(), error.ToString());
    }

    public CommandIo Io(byte[] input, Stream output, TextWriter error) => new()
    {
        In = new MemoryStream(input),
        Out = output,
        Error = error,
        Environment = Environment,
        Time = Time,
        OpenFolder = (folder, _, _) => new(Wrap(new ForwardingStore(StoreOf(folder)))),
        OpenBucket = (bucket, _, _) =>
        {
            Buckets.Add(bucket);
            return new(
                Wrap(new ForwardingStore(StoreOf(bucket.Location.Replace("://", "/", StringComparison.Ordinal)))));
        },
        CloneBucket = (bucket, checkpoint, prefix, _) =>
        {
            Buckets.Add(bucket);
            return new(new CheckpointInfo("clone-of-" + checkpoint, default, 7, 1, 100, 3) { ClonedTo = prefix });
        },
        Inspect = (_, _, to, _) => Inspection.ForEach(to),
    };

    public void Dispose() => Folder.Dispose();

    private ITrieStore StoreOf(string folder)
    {
        var path = Path.GetFullPath(folder);
        return _folders.TryGetValue(path, out var store) ? store : _folders[path] =
            new ModelTrieStore(TimeProvider.System);
    }
}

/// <summary>What a run of the program left behind.</summary>
internal sealed record CliResult(int ExitCode, byte[] Output, string Error)
{
    public string Text => Encoding.UTF8.GetString(Output);

    public string[] Lines => Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The run failed with this exit code and one line of error, which is returned.</summary>
    public string AssertFailed(int exitCode)
    {
        var line = Assert.Single(Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("dmt: ", line, StringComparison.Ordinal);
        Assert.Equal(exitCode, ExitCode);
        return line;
    }

    public CliResult AssertOk()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Error}");
        return this;
    }
}
