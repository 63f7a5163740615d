using System.Globalization;
using Dmt.Cli.Terminal;
using Dmt.Core;

namespace Dmt.Cli.Transfer;

/// <summary>One run of <c>dmt import</c>: opens the source, goes on from its checkpoint, shows progress.</summary>
/// <param name="io">The world.</param>
/// <param name="store">Where the records go.</param>
/// <param name="parser">Reads them.</param>
/// <param name="targetName">What the store is called in checkpoints.</param>
internal sealed class ImportRun(CommandIo io, ITrieStore store, RecordParser parser, string targetName)
{
    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    public bool SkipBad { get; init; }

    /// <summary>Ignore the checkpoint of an earlier run.</summary>
    public bool Restart { get; init; }

    /// <summary>How long the run took.</summary>
    public TimeSpan Elapsed { get; private set; }

    /// <summary>The line at which this run began: 1 unless an earlier one was stopped.</summary>
    public long ResumedAtLine { get; private set; } = 1;

    /// <summary>Reads a stream from where it stands; without checkpoints.</summary>
    public Task<Importer> FromStreamAsync(Stream source, CancellationToken cancellationToken)
    {
        var progress = new TransferProgress { ItemName = "records" };
        return RunAsync(
            source, new RecordReader(source, parser.IsQuoted), "standard input", progress, null, cancellationToken);
    }

    /// <summary>Reads a file, from its checkpoint on where there is one; removes the checkpoint at the end.</summary>
    public async Task<Importer> FromFileAsync(string path, CancellationToken cancellationToken)
    {
        await using var source = InputFiles.OpenRead(path);
        var info = new FileInfo(path);
        if (!source.CanSeek || (info.Attributes & FileAttributes.Device) != 0)
        {
            // A pipe has no length and no second time.
            return await FromStreamAsync(source, cancellationToken);
        }

        var checkpointPath = ImportCheckpoint.PathFor(io, path, parser.Name, targetName);
        var saved = Restart ? null : ImportCheckpoint.Load(checkpointPath, info);
        var (offset, line) =
            saved is null ? (await SkipByteOrderMarkAsync(source, cancellationToken), 1L) : (saved.Offset, saved.Line);
        source.Position = offset;
        if (saved is not null)
        {
            ResumedAtLine = line;
            await io.Error.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"dmt: going on at line {line:N0} of {path} (--restart begins anew)"));
        }

        var progress = new TransferProgress { ItemName = "records", Total = info.Length };
        progress.StartAt(offset);
        void SaveCheckpoint(ImportChunk last) => new ImportCheckpoint
        {
            Length = info.Length,
            ModifiedTicks = info.LastWriteTimeUtc.Ticks,
            Offset = last.EndOffset,
            Line = last.EndLine,
        }.Save(checkpointPath);

        var reader = new RecordReader(source, parser.IsQuoted, offset, line);
        try
        {
            var importer = await RunAsync(source, reader, path, progress, SaveCheckpoint, cancellationToken);
            File.Delete(checkpointPath);
            return importer;
        }
        catch (DmtException e) when (e.Kind is not (DmtErrorKind.InvalidArgument or DmtErrorKind.TooLarge))
        {
            var next = ImportCheckpoint.Load(checkpointPath, info)?.Line ?? 1;
            var hint = string.Create(
                CultureInfo.InvariantCulture, $"the same command goes on at line {next:N0} of {path}");
            throw new DmtException(e.Kind, $"{e.Message}; {hint}", e);
        }
    }

    private async Task<Importer> RunAsync(
        Stream source,
        RecordReader reader,
        string sourceName,
        TransferProgress progress,
        Action<ImportChunk>? checkpoint,
        CancellationToken cancellationToken)
    {
        using (reader)
        {
            var options = new ImportOptions
            {
                SourceName =
                    sourceName,
                SkipBad = SkipBad,
                Progress = progress,
                Time = io.Time,
                Checkpoint = checkpoint,
            };
            var importer = new Importer(store, reader, parser, options);
            var started = io.Time.GetTimestamp();
            await ProgressDisplay.ShowAsync(io, "import", progress, importer.RunAsync(cancellationToken));
            Elapsed = io.Time.GetElapsedTime(started);
            return importer;
        }
    }

    private static async Task<long> SkipByteOrderMarkAsync(FileStream source, CancellationToken cancellationToken)
    {
        var first = new byte[ByteOrderMark.Length];
        var length = await source.ReadAtLeastAsync(first, first.Length, throwOnEndOfStream: false, cancellationToken);
        return first.AsSpan(0, length).SequenceEqual(ByteOrderMark) ? length : 0;
    }
}
