using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Dmt.Cli.Http;
using Dmt.Cli.Terminal;
using Dmt.Core;
using Dmt.Hosting;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt promote</c>: make a read replica the main.</summary>
internal static class PromoteCommand
{
    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "promote",
            "Make a read replica the main. The main until now, should it live or come back, is fenced: it takes no "
                + "more "
                + "writes. Over folders, a replica that is behind another one that can be reached is not promoted: "
                + "exit code 1. Then change config.json: is_replica on the new main, replicas on the others.",
            "dmt promote --url http://replica:3030",
            "dmt promote --url http://replica:3030 --force   # though another replica has more");
        var force = new Option<bool>("--force") { Description = "Even where another replica that answers is ahead" };
        var url = new Option<string?>("--url")
        {
            Description = $"The replica. Default: environment DMT_URL, else {TargetOptions.DefaultUrl}",
            HelpName = "URL",
        };
        var json = CommonOptions.Json("Print one JSON object");
        command.AddAll(force, url, json);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var target = TargetOptions.ParseUrl(parse.GetValue(url), io);
            await using var store = new HttpTrieStore(target, io.Time);
            var others = await store.PromoteAsync(parse.GetValue(force), cancellationToken);
            if (parse.GetValue(json))
            {
                await JsonSerializer.SerializeAsync(
                    io.Out, new { replicas = others }, StatisticsJson.Options, cancellationToken);
                await io.Out.WriteAsync("\n"u8.ToArray(), cancellationToken);
                await io.Out.FlushAsync(cancellationToken);
                return ExitCodes.Ok;
            }

            await using var text = io.Text();
            await text.WriteLineAsync($"{target.AbsoluteUri.TrimEnd('/')} is the main");
            if (others.Count > 0)
            {
                Show(text, others, io.OutIsTerminal);
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Show(TextWriter text, IReadOnlyList<ReplicaStatistics> others, bool isTerminal)
    {
        var table = Tables.Create("Replica", "Last operation", "Behind", "");
        foreach (var other in others)
        {
            Tables.AddRow(
                table,
                other.Name,
                other.Connected ? other.Sequence.ToString("N0", CultureInfo.InvariantCulture) : "-",
                other.Connected ? other.LagOperations.ToString("N0", CultureInfo.InvariantCulture) : "-",
                other.Problem ?? "");
        }

        Tables.Console(text, isTerminal).Write(table);
    }
}
