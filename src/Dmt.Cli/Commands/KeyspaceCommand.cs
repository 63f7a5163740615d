using System.CommandLine;
using System.Globalization;
using Dmt.Api;
using Dmt.Cli.Terminal;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt keyspace</c>: whose keys can be searched by any of their segments.</summary>
internal static class KeyspaceCommand
{
    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "keyspace",
            "List the keyspaces of a server, whose keys dmt search --match finds by any of their segments, or make "
                + "their copies again. The setting keyspaces of dmt serve declares them.",
            "dmt keyspace list",
            "dmt keyspace rebuild shop");
        command.Add(List(io));
        command.Add(Rebuild(io));
        return command;
    }

    private static ToolCommand List(CommandIo io)
    {
        var command = new ToolCommand(
            "list",
            "List the keyspaces of a server, and how far behind their copies are.",
            "dmt keyspace list",
            "dmt keyspace list --json | jq .keyspaces[].lag_ms");
        var json = CommonOptions.Json("Print one JSON object");
        command.Add(json);
        var target = TargetOptions.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using var store = await target.OpenAsync(parse, io, create: false, cancellationToken);
            var all = await Of(store).ListKeyspacesAsync(cancellationToken);
            if (parse.GetValue(json))
            {
                await JsonOutput.WriteAsync(io, writer => KeyspaceJson.Write(writer, all));
                return ExitCodes.Ok;
            }

            await using var text = io.Text();
            var table = Tables.Create("Name", "Prefix", "Segments", "Copies", "Built", "Lag ms", "Problem");
            foreach (var info in all)
            {
                Tables.AddRow(
                    table,
                    info.Keyspace.Name,
                    $"\"{Key.ToDisplay(info.Keyspace.Prefix.Span)}\"",
                    $"{info.Keyspace.Segments} {info.Keyspace.Schema}",
                    info.Copies.ToString(CultureInfo.InvariantCulture),
                    info.IsBuilt ? "yes" : "no",
                    info.LagMs.ToString(CultureInfo.InvariantCulture),
                    info.Problem ?? "");
            }

            Tables.Console(text, io.OutIsTerminal).Write(table);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static ToolCommand Rebuild(CommandIo io)
    {
        var command = new ToolCommand(
            "rebuild",
            "Make the copies of a keyspace again from its keys, in the background. Until it is done strong searches "
                + "wait for it. Exit code 1 if there is no such keyspace.",
            "dmt keyspace rebuild shop");
        var name = new Argument<string>("NAME") { Description = "The keyspace, as dmt keyspace list shows it" };
        command.Add(name);
        var target = TargetOptions.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var given = parse.GetRequiredValue(name);
            await using var store = await target.OpenAsync(parse, io, create: false, cancellationToken);
            return await Of(store).RebuildKeyspaceAsync(given, cancellationToken)
                ? ExitCodes.Ok
                : throw new DmtException(DmtErrorKind.Conflict, $"there is no keyspace {given}");
        });
        return command;
    }

    /// <summary>The store's keyspaces.</summary>
    public static IKeyspaceSearch Of(ITrieStore store) =>
        store as IKeyspaceSearch ?? throw DmtException.InvalidArgument("this store has no keyspaces");
}
