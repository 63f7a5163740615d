using System.CommandLine;
using System.Globalization;
using Dmt.Cli.Transfer;
using Dmt.Hosting;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt import FORMAT FILE</c>: many records in, resumable.</summary>
internal static class ImportCommand
{
    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "import",
            "Load words, CSV or NDJSON. An import that was stopped goes on where it was when the same command is run "
                + "again.",
            "dmt import words /usr/share/dict/words",
            "dmt import csv prices.csv --header",
            "zcat big.ndjson.gz | dmt import ndjson -        # standard input; not resumable");
        command.Add(CreateFormat(
            io,
            new ToolCommand(
                "words",
                "One word a line: each line becomes a key with an empty value. Blank lines are left out.",
                "dmt import words /usr/share/dict/words",
                "dmt import words words.txt --data ./data        # into a folder, with no server"),
            null,
            _ => new WordParser()));
        var header = new Option<bool>("--header") { Description = "The first line names the columns: leave it out" };
        var csv = new ToolCommand(
            "csv",
            "Columns: key,value[,weight[,content_type[,expires_at]]]; fields quoted as in RFC 4180.",
            "dmt import csv prices.csv",
            "dmt import csv prices.csv --header --skip-bad");
        command.Add(CreateFormat(io, csv, header, parse => new CsvParser(parse.GetValue(header))));
        command.Add(CreateFormat(
            io,
            new ToolCommand(
                "ndjson",
                "One JSON object a line: {\"key\", \"value\", \"weight\", \"content_type\", \"ttl\" or "
                    + "\"expires_at\", \"delete\"}; "
                + "bytes that are no text as key_base64 and value_base64.",
                "dmt import ndjson backup.ndjson",
                "dmt export - | dmt import ndjson - --url http://other:3030"),
            null,
            _ => new NdjsonParser(io.Time)));
        return command;
    }

    private static ToolCommand CreateFormat(
        CommandIo io, ToolCommand command, Option<bool>? formatOption, Func<ParseResult, RecordParser> createParser)
    {
        var file = new Argument<string>("FILE") { Description = "The file, or - for standard input" };
        var skipBad = new Option<bool>(
            "--skip-bad")
        { Description = "Leave bad lines out and count them, instead of stopping at the first" };
        var restart = new Option<bool>(
            "--restart")
        { Description = "Begin at the first line, wherever an earlier run was stopped" };
        var json = CommonOptions.Json("Print {\"written\", \"skipped\", \"seconds\", \"resumed_at_line\"} at the end");
        command.Add(file);
        if (formatOption is not null)
        {
            command.Add(formatOption);
        }

        command.Add(skipBad);
        command.Add(restart);
        command.Add(json);
        var target = TargetOptions.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var parser = createParser(parse);
            var path = parse.GetRequiredValue(file);
            await using var store = await target.OpenAsync(parse, io, create: true, cancellationToken);
            var run = new ImportRun(io, store, parser, target.Name(parse, io))
            {
                SkipBad = parse.GetValue(skipBad),
                Restart = parse.GetValue(restart),
            };
            var importer = path == "-"
                ? await run.FromStreamAsync(io.In, cancellationToken)
                : await run.FromFileAsync(path, cancellationToken);
            await ReportAsync(io, run, importer, parse.GetValue(json));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static async Task ReportAsync(CommandIo io, ImportRun run, Importer importer, bool json)
    {
        var seconds = run.Elapsed.TotalSeconds;
        if (json)
        {
            await JsonOutput.WriteAsync(io, writer =>
            {
                writer.WriteNumber("written", importer.Written);
                writer.WriteNumber("skipped", importer.Skipped);
                writer.WriteNumber("seconds", Math.Round(seconds, 3));
                writer.WriteNumber("resumed_at_line", run.ResumedAtLine);
            });
            return;
        }

        var rate = importer.Written / Math.Max(seconds, 0.001);
        var skipped = importer.Skipped == 0
            ? string.Empty
            : string.Create(CultureInfo.InvariantCulture, $", {importer.Skipped:N0} bad ones left out");
        await io.Error.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
                $"imported {importer.Written:N0} records in {seconds:0.0} s ({rate:N0}/s){skipped}"));
    }
}
