using System.CommandLine;
using System.Globalization;
using Dmt.Cli.Configuration;
using Dmt.Cli.Terminal;
using Dmt.Core;
using Dmt.Engine;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt checkpoint</c>: named states of a store that are kept.</summary>
internal static class CheckpointCommand
{
    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "checkpoint",
            "Keep states of a store under a name, and go back to one. A checkpoint costs a flush and a small object, "
                + "and later the space of tables that only it still needs.",
            "dmt checkpoint create before-upgrade --data ./data",
            "dmt checkpoint list --data ./data",
            "dmt checkpoint restore before-upgrade --data ./data",
            "dmt checkpoint delete before-upgrade --data ./data");
        command.Add(Keep(io));
        command.Add(List(io));
        command.Add(Delete(io));
        command.Add(Restore(io));
        return command;
    }

    private static ToolCommand Keep(CommandIo io)
    {
        var command = new ToolCommand(
            "create",
            "Keep the present state under a name. Exit code 1 if there is one of that name.",
            "dmt checkpoint create before-upgrade --data ./data",
            "dmt checkpoint create nightly-0107 --data ./data --json");
        var name = Name();
        var json = CommonOptions.Json("Print one JSON object; sizes in bytes");
        command.AddAll(name, json);
        var folder = MaintenanceTarget.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using var store = await folder.OpenAsync(parse, io, new EngineOptions(), cancellationToken);
            var info = await MaintenanceTarget.Of(store)
                .CheckpointAsync(parse.GetRequiredValue(name), cancellationToken);
            if (parse.GetValue(json))
            {
                await JsonOutput.WriteAsync(io, writer => Write(writer, info));
            }
            else
            {
                await using var text = io.Text();
                await text.WriteLineAsync(
                    $"{info.Name}: {info.Tables} tables, {ByteSize.Format(info.Bytes)}, up to write {info.Sequence}");
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static ToolCommand List(CommandIo io)
    {
        var command = new ToolCommand(
            "list",
            "List the checkpoints of a store, in order of names.",
            "dmt checkpoint list --data ./data",
            "dmt checkpoint list --data ./data --json | jq .checkpoints[].name");
        var json = CommonOptions.Json("Print one JSON object; sizes in bytes");
        command.Add(json);
        var folder = MaintenanceTarget.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using var store = await folder.OpenAsync(parse, io, new EngineOptions(), cancellationToken);
            var all = await MaintenanceTarget.Of(store).ListCheckpointsAsync(cancellationToken);
            if (parse.GetValue(json))
            {
                await JsonOutput.WriteAsync(io, writer =>
                {
                    writer.WriteStartArray("checkpoints");
                    foreach (var info in all)
                    {
                        writer.WriteStartObject();
                        Write(writer, info);
                        writer.WriteEndObject();
                    }

                    writer.WriteEndArray();
                });
                return ExitCodes.Ok;
            }

            await using var text = io.Text();
            var table = Tables.Create("Checkpoint", "Created", "Tables", "Size", "Entries");
            foreach (var info in all)
            {
                Tables.AddRow(
                    table,
                    info.Name,
                    info.CreatedAt.ToString("u", CultureInfo.InvariantCulture),
                    info.Tables.ToString("N0", CultureInfo.InvariantCulture),
                    ByteSize.Format(info.Bytes),
                    info.EntriesMax.ToString("N0", CultureInfo.InvariantCulture));
            }

            Tables.Console(text, io.OutIsTerminal).Write(table);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static ToolCommand Delete(CommandIo io)
    {
        var command = new ToolCommand(
            "delete",
            "Let a checkpoint go; what only it needed is deleted. Exit code 1 if there is none of that name.",
            "dmt checkpoint delete before-upgrade --data ./data");
        var name = Name();
        command.Add(name);
        var folder = MaintenanceTarget.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using var store = await folder.OpenAsync(parse, io, new EngineOptions(), cancellationToken);
            return await MaintenanceTarget.Of(store)
                .DeleteCheckpointAsync(parse.GetRequiredValue(name), cancellationToken)
                ? ExitCodes.Ok
                : throw new DmtException(
                    DmtErrorKind.Conflict, $"there is no checkpoint \"{parse.GetRequiredValue(name)}\"");
        });
        return command;
    }

    private static ToolCommand Restore(CommandIo io)
    {
        var command = new ToolCommand(
            "restore",
            "Go back to a checkpoint: the store's present state is given up (make a checkpoint of it first if it may "
                + "be wanted again). The checkpoint itself stays.",
            "dmt checkpoint restore before-upgrade --data ./data");
        var name = Name();
        command.Add(name);
        var folder = MaintenanceTarget.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var options = new EngineOptions { RestoreFrom = parse.GetRequiredValue(name) };
            await using var store = await folder.OpenAsync(parse, io, options, cancellationToken);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Argument<string> Name() =>
        new("NAME") { Description = "1 to 64 of a-z A-Z 0-9 - _ ." };

    private static void Write(System.Text.Json.Utf8JsonWriter writer, CheckpointInfo info)
    {
        writer.WriteString("name", info.Name);
        writer.WriteString("created_at", info.CreatedAt.ToString("O", CultureInfo.InvariantCulture));
        writer.WriteNumber("sequence", info.Sequence);
        writer.WriteNumber("tables", info.Tables);
        writer.WriteNumber("bytes", info.Bytes);
        writer.WriteNumber("entries_max", info.EntriesMax);
    }
}
