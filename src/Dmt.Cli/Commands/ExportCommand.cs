using System.Buffers;
using System.CommandLine;
using System.Globalization;
using Dmt.Cli.Terminal;
using Dmt.Cli.Transfer;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Hosting;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt export FILE</c>: what <c>dmt import</c> reads back.</summary>
internal static class ExportCommand
{
    private const int FlushBytes = 256 << 10;

    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "export",
            "Write entries, in key order, to a file that dmt import reads back. A file appears, or is replaced, "
            + "whole or not at all.",
            "dmt export backup.ndjson",
            "dmt export --prefix user/ --format csv users.csv",
            "dmt export - | gzip > backup.ndjson.gz");
        var file = new Argument<string>("FILE") { Description = "The file, or - for standard output" };
        var prefix = new Option<string?>("--prefix") { Description = "Only keys that begin with P", HelpName = "P" };
        var format = new Option<string>("--format")
        {
            Description = "ndjson (everything, any bytes), csv (text only), words (keys only)",
            HelpName = "FORMAT",
            DefaultValueFactory = _ => "ndjson",
        };
        format.AcceptOnlyFromAmong(EntryWriter.Formats);
        var json = CommonOptions.Json("Print {\"exported\", \"seconds\"} at the end; not with -");
        command.AddAll(file, prefix, format, json);

        var target = TargetOptions.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var path = parse.GetRequiredValue(file);
            if (path == "-" && parse.GetValue(json))
            {
                throw DmtException.InvalidArgument("--json cannot go with -: standard output is taken by the entries");
            }

            var range = KeyRange.Prefix(Key.PrefixFromText(parse.GetValue(prefix) ?? string.Empty));
            await using var store = await target.OpenAsync(parse, io, create: false, cancellationToken);
            var writer = EntryWriter.Create(parse.GetValue(format)!);
            var started = io.Time.GetTimestamp();
            var exported = path == "-"
                ? await WriteAsync(io, store, range, writer, io.Out, cancellationToken)
                : await WriteFileAsync(io, store, range, writer, path, cancellationToken);
            await ReportAsync(io, exported, io.Time.GetElapsedTime(started), parse.GetValue(json));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static async Task<long> WriteFileAsync(
        CommandIo io, ITrieStore store, KeyRange range, EntryWriter writer, string path,
            CancellationToken cancellationToken)
    {
        if (!MayBeReplaced(path))
        {
            await using var existing = InputFiles.Create(path);
            return await WriteAsync(io, store, range, writer, existing, cancellationToken);
        }

        var partial = path + ".partial";
        try
        {
            long exported;
            await using (var output = InputFiles.Create(partial))
            {
                exported = await WriteAsync(io, store, range, writer, output, cancellationToken);
                output.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: true);
            return exported;
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }

    /// <summary>
    /// True where a rename over the path is right: nothing is there, or a plain file with content to keep until the new
    /// one is whole. Devices and pipes (which are all of length 0) and links are written to instead: a rename would put
    /// a file in their place.
    /// </summary>
    private static bool MayBeReplaced(string path)
    {
        var file = new FileInfo(path);
        return file.LinkTarget is null && (!file.Exists || file.Length > 0);
    }

    private static async Task<long> WriteAsync(
        CommandIo io, ITrieStore store, KeyRange range, EntryWriter writer, Stream output,
            CancellationToken cancellationToken)
    {
        // Counting is for the bar alone.
        long? total = io.ErrorIsTerminal ? await store.CountAsync(range, cancellationToken) : null;
        var progress = new TransferProgress { ItemName = "entries", Total = total };
        var request = new ScanRequest { Range = range, KeysOnly = writer.IsKeysOnly };
        var work = CopyAsync(
            store.StreamAsync(request, long.MaxValue, cancellationToken), writer, output, progress, cancellationToken);
        await ProgressDisplay.ShowAsync(io, "export", progress, work);
        return progress.Items;
    }

    private static async Task CopyAsync(
        IAsyncEnumerable<KeyEntry> entries,
        EntryWriter writer,
        Stream output,
        TransferProgress progress,
        CancellationToken cancellationToken)
    {
        var buffer = new ArrayBufferWriter<byte>(FlushBytes);
        var gathered = 0;
        await foreach (var entry in entries.WithCancellation(cancellationToken))
        {
            writer.Write(buffer, entry);
            gathered++;
            if (buffer.WrittenCount >= FlushBytes)
            {
                await FlushAsync();
            }
        }

        await FlushAsync();
        await output.FlushAsync(cancellationToken);

        async Task FlushAsync()
        {
            await output.WriteAsync(buffer.WrittenMemory, cancellationToken);
            buffer.ResetWrittenCount();
            progress.Advance(progress.Done + gathered, gathered);
            gathered = 0;
        }
    }

    private static async Task ReportAsync(CommandIo io, long exported, TimeSpan elapsed, bool json)
    {
        if (json)
        {
            await JsonOutput.WriteAsync(io, writer =>
            {
                writer.WriteNumber("exported", exported);
                writer.WriteNumber("seconds", Math.Round(elapsed.TotalSeconds, 3));
            });
            return;
        }

        await io.Error.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture, $"exported {exported:N0} entries in {elapsed.TotalSeconds:0.0} s"));
    }
}
