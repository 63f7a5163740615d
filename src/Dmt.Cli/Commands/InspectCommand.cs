using System.CommandLine;
using Dmt.Core;
using Dmt.Engine.Inspection;
using Dmt.Hosting;

namespace Dmt.Cli.Commands;

/// <summary>
/// <c>dmt inspect PATH</c>: a table, a log segment, a manifest or a whole folder, for a human, with every checksum
/// verified.
/// </summary>
internal static class InspectCommand
{
    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "inspect",
            "Print a table, a log segment or a manifest, or all of a store folder, and verify every checksum. Reads "
                + "files only: the store is not opened. Exit code 4 on damage.",
            "dmt inspect ./data",
            "dmt inspect ./data/shards/1/tables/0000000001-0000000001.table --blocks",
            "dmt inspect ./data/shards/1/manifest/0000000000000007",
            "dmt inspect ./data/log/01K…/0000000000000001.log --entries");
        var path = new Argument<string>("PATH") { Description = "A file of a store, or its folder" };
        var blocks = new Option<bool>("--blocks")
        {
            Description = "Also print each data block of tables and each group of logs",
        };
        var entries = new Option<bool>("--entries")
        {
            Description = "Also print each entry of tables and each record of logs; implies --blocks",
        };
        command.AddAll(path, blocks, entries);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var given = parse.GetRequiredValue(path);
            if (!File.Exists(given) && !Directory.Exists(given))
            {
                throw DmtException.InvalidArgument($"cannot inspect {given}: no such file or folder");
            }

            var detail = parse.GetValue(entries) ? InspectDetail.Entries
                : parse.GetValue(blocks) ? InspectDetail.Blocks
                : InspectDetail.Summary;
            var damaged = 0L;
            await using var text = io.Text();
            io.Inspect(
                given,
                detail,
                line =>
                {
                    damaged += line.IsDamage ? 1 : 0;
                    text.WriteLine((line.IsDamage ? "DAMAGED " : string.Empty) + line.Text);
                },
                cancellationToken);
            return damaged == 0 ? ExitCodes.Ok : ExitCodes.Corruption;
        });
        return command;
    }
}
