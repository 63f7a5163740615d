using System.CommandLine;
using System.Globalization;
using Dmt.Api;
using Dmt.Cli.Terminal;
using Dmt.Core;
using Dmt.Engine;
using Dmt.Hosting;
using Dmt.Hosting.Configuration;
using Dmt.Objects.S3;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt checkpoint</c>: named states of a store that are kept.</summary>
internal static class CheckpointCommand
{
    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "checkpoint",
            "Keep states of a store under a name, go back to one, or begin another store with one. A checkpoint "
                + "costs a "
                + "flush and a small object, and later the space of tables that only it still needs.",
            "dmt checkpoint create before-upgrade",
            "dmt checkpoint list",
            "dmt checkpoint delete before-upgrade",
            "dmt checkpoint restore before-upgrade --data ./data",
            "dmt checkpoint clone before-upgrade --store s3://bucket/live --to s3://bucket/test");
        command.Add(Keep(io));
        command.Add(List(io));
        command.Add(Delete(io));
        command.Add(Restore(io));
        command.Add(Clone(io));
        return command;
    }

    private static ToolCommand Keep(CommandIo io)
    {
        var command = new ToolCommand(
            "create",
            "Keep the present state under a name. Exit code 1 if there is one of that name.",
            "dmt checkpoint create before-upgrade",
            "dmt checkpoint create nightly-0107 --store s3://bucket/prefix --json");
        var name = Name();
        var json = CommonOptions.Json("Print one JSON object; sizes in bytes");
        command.AddAll(name, json);
        var target = MaintenanceTarget.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using var store = await target.OpenAsync(parse, io, new EngineOptions(), cancellationToken);
            var info = await MaintenanceTarget.Of(store)
                .CheckpointAsync(parse.GetRequiredValue(name), cancellationToken);
            if (parse.GetValue(json))
            {
                await JsonOutput.WriteAsync(io, writer => MaintenanceJson.Write(writer, info));
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
            "dmt checkpoint list",
            "dmt checkpoint list --data ./data --json | jq .checkpoints[].name");
        var json = CommonOptions.Json("Print one JSON object; sizes in bytes");
        command.Add(json);
        var target = MaintenanceTarget.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using var store = await target.OpenAsync(parse, io, new EngineOptions(), cancellationToken);
            var all = await MaintenanceTarget.Of(store).ListCheckpointsAsync(cancellationToken);
            if (parse.GetValue(json))
            {
                await JsonOutput.WriteAsync(io, writer => MaintenanceJson.Write(writer, all));
                return ExitCodes.Ok;
            }

            await using var text = io.Text();
            var table = Tables.Create("Checkpoint", "Created", "Tables", "Size", "Entries", "For clone");
            foreach (var info in all)
            {
                Tables.AddRow(
                    table,
                    info.Name,
                    info.CreatedAt.ToString("u", CultureInfo.InvariantCulture),
                    info.Tables.ToString("N0", CultureInfo.InvariantCulture),
                    ByteSize.Format(info.Bytes),
                    info.EntriesMax.ToString("N0", CultureInfo.InvariantCulture),
                    info.ClonedTo is null ? "" : "/" + info.ClonedTo);
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
            "Let a checkpoint go; what only it needed is deleted. Exit code 1 if there is none of that name, or if a "
                + "clone needs it.",
            "dmt checkpoint delete before-upgrade");
        var name = Name();
        command.Add(name);
        var target = MaintenanceTarget.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using var store = await target.OpenAsync(parse, io, new EngineOptions(), cancellationToken);
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
                + "be wanted again). The checkpoint itself stays. Not through a server: it must be stopped before.",
            "dmt checkpoint restore before-upgrade --data ./data",
            "dmt checkpoint restore before-upgrade --store s3://bucket/prefix");
        var name = Name();
        command.Add(name);
        var target = MaintenanceTarget.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            target.RequireStopped(parse);
            var options = new EngineOptions { RestoreFrom = parse.GetRequiredValue(name) };
            await using var store = await target.OpenAsync(parse, io, options, cancellationToken);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static ToolCommand Clone(CommandIo io)
    {
        var command = new ToolCommand(
            "clone",
            "Make a store at another prefix of the same bucket that begins with what a checkpoint holds, by reference: "
                + "nothing is copied. The source may be served meanwhile. It keeps the tables for the clone, under a "
                + "checkpoint of its own (clone-...), until the clone has replaced them.",
            "dmt checkpoint clone before-upgrade --store s3://bucket/live --to s3://bucket/test",
            "dmt serve --store s3://bucket/test");
        var name = Name();
        var to = new Option<string>("--to")
        {
            Description = "Where the clone begins, in the bucket of --store; nothing may be there",
            HelpName = "s3://BUCKET/PREFIX",
            Required = true,
        };
        var json = CommonOptions.Json("Print the source's checkpoint for the clone as one JSON object");
        command.AddAll(name, to, json);
        var target = TargetOptions.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var bucket = target.Bucket(parse) ?? throw DmtException.InvalidArgument(
                "only a store in a bucket can be cloned by reference, named with --store (a server may have it open): "
                    + "stores in folders share nothing. Copy the folder while no server has it, and restore the "
                    + "checkpoint in the copy");
            var place = S3Location.Parse(parse.GetRequiredValue(to));
            if (place.Bucket != S3Location.Parse(bucket.Location).Bucket)
            {
                throw DmtException.InvalidArgument(
                    $"--to is {place}: expected a prefix in the bucket of {bucket.Location}; a clone borrows tables, "
                        + "which other buckets do not have");
            }

            var pin = await io.CloneBucket(bucket, parse.GetRequiredValue(name), place.Prefix, cancellationToken);
            if (parse.GetValue(json))
            {
                await JsonOutput.WriteAsync(io, writer => MaintenanceJson.Write(writer, pin));
                return ExitCodes.Ok;
            }

            await using var text = io.Text();
            await text.WriteLineAsync(
                $"{place}: {pin.Tables} tables, {ByteSize.Format(pin.Bytes)}, which {bucket.Location} keeps under its "
                    + $"checkpoint {pin.Name}");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Argument<string> Name() =>
        new("NAME") { Description = "1 to 64 of a-z A-Z 0-9 - _ ." };
}
