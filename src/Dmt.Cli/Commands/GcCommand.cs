using System.CommandLine;
using Dmt.Api;
using Dmt.Core;
using Dmt.Engine;
using Dmt.Hosting;
using Dmt.Hosting.Configuration;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt gc</c>: delete what nothing refers to, or show what would be.</summary>
internal static class GcCommand
{
    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "gc",
            "Delete tables, manifests and log batches that no manifest and no checkpoint needs and that are old "
                + "enough. A running store does so itself; this looks at once.",
            "dmt gc --dry-run                   # what would go, and why",
            "dmt gc --min-age 10m --url http://other:3030",
            "dmt gc --data ./data",
            "dmt gc --store s3://bucket/prefix --dry-run");
        var dryRun = new Option<bool>("--dry-run") { Description = "Delete nothing, only show what would go" };
        var minAge = new Option<string?>("--min-age")
        {
            Description = "Spare what is younger, by the store's clock: 60s, 10m, 1h, 7d. Default: 0 in a folder, "
                + "1h in a bucket",
            HelpName = "TIME",
        };
        var json = CommonOptions.Json("Print one JSON object; sizes in bytes");
        command.AddAll(dryRun, minAge, json);
        var folder = MaintenanceTarget.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            TimeSpan? age = parse.GetValue(minAge) is not { } given ? null
                : given == "0" ? TimeSpan.Zero
                : TimeText.Parse(given, "--min-age");
            var options = new EngineOptions { CollectsGarbage = false };
            await using var store = await folder.OpenAsync(parse, io, options, cancellationToken);
            var report = await MaintenanceTarget.Of(store)
                .CollectGarbageAsync(parse.GetValue(dryRun), age, cancellationToken);
            if (parse.GetValue(json))
            {
                await JsonOutput.WriteAsync(io, writer => MaintenanceJson.Write(writer, report));
                return ExitCodes.Ok;
            }

            await using var text = io.Text();
            Show(text, report);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Show(TextWriter text, GarbageReport report)
    {
        foreach (var garbage in report.Deleted)
        {
            text.WriteLine($"{garbage.Name}  {ByteSize.Format(garbage.Bytes)}  {garbage.Reason}");
        }

        text.WriteLine(
            $"{report.Deleted.Count} objects, {ByteSize.Format(report.Deleted.Sum(static g => g.Bytes))} "
            + (report.IsDryRun ? "would be deleted" : "deleted")
            + $"; {report.Waiting.Count} more, {ByteSize.Format(report.Waiting.Sum(static g => g.Bytes))}, "
            + "are too young");
    }
}
