using System.CommandLine;
using Dmt.Core;

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
            "Print a table, a log segment or a manifest, or all of a store folder, and verify every checksum. Exit "
                + "code 4 on damage.",
            "dmt inspect ./data",
            "dmt inspect ./data/tables/01J….table");
        var path = new Argument<string>("PATH") { Description = "A file of a store, or its folder" };
        command.Add(path);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var given = parse.GetRequiredValue(path);
            if (!File.Exists(given) && !Directory.Exists(given))
            {
                throw DmtException.InvalidArgument($"cannot inspect {given}: no such file or folder");
            }

            var damaged = 0L;
            await using var text = io.Text();
            await foreach (var line in io.Inspect(given, cancellationToken))
            {
                damaged += line.IsDamage ? 1 : 0;
                await text.WriteLineAsync((line.IsDamage ? "DAMAGED " : string.Empty) + line.Text);
            }

            return damaged == 0 ? ExitCodes.Ok : ExitCodes.Corruption;
        });
        return command;
    }
}
