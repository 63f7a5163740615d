using System.CommandLine;
using System.Globalization;
using Dmt.Api;
using Dmt.Cli.Terminal;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine;
using Dmt.Hosting;
using Dmt.Hosting.Configuration;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt shard</c>: the shards of a store, split and merged by hand.</summary>
internal static class ShardCommand
{
    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "shard",
            "List the shards of a store, make the keys under a prefix a shard of their own, or give them back. What "
                + "is read and written stays the same: a key belongs to the shard with the longest prefix that it "
                + "begins with.",
            "dmt shard list",
            "dmt shard split user/ order/",
            "dmt shard merge 3");
        command.Add(List(io));
        command.Add(Split(io));
        command.Add(Merge(io));
        return command;
    }

    private static ToolCommand List(CommandIo io)
    {
        var command = new ToolCommand(
            "list",
            "List the shards of a store, in order of prefixes. One that nobody has asked for lately is closed: then "
                + "its sizes are not shown, and it is not opened for that.",
            "dmt shard list",
            "dmt shard list --data ./data --json | jq .shards[].prefix");
        var json = CommonOptions.Json("Print one JSON object; sizes in bytes");
        command.Add(json);
        var target = MaintenanceTarget.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using var store = await target.OpenAsync(parse, io, new EngineOptions(), cancellationToken);
            var all = await Of(store).ListShardsAsync(cancellationToken);
            await ShowAsync(io, parse.GetValue(json), all);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static ToolCommand Split(CommandIo io)
    {
        var command = new ToolCommand(
            "split",
            "Make the keys under each prefix a shard of their own: all at once, or none. All prefixes lie in one "
                + "shard, none under another. Nothing is copied, and writers of these keys wait for a moment.",
            "dmt shard split user/ order/",
            "dmt shard split user/42/ --data ./data --json");
        var prefixes = new Argument<string[]>("PREFIX")
        {
            Description = "What the keys begin with, 1 to 1,024 bytes",
            Arity = ArgumentArity.OneOrMore,
        };
        var json = CommonOptions.Json("Print the new shards as one JSON object; sizes in bytes");
        command.AddAll(prefixes, json);
        var target = MaintenanceTarget.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            ReadOnlyMemory<byte>[] given =
                [.. parse.GetRequiredValue(prefixes).Select(static text => new ReadOnlyMemory<byte>(Bytes(text)))];
            await using var store = await target.OpenAsync(parse, io, new EngineOptions(), cancellationToken);
            var made = await Of(store).SplitShardAsync(given, cancellationToken);
            await ShowAsync(io, parse.GetValue(json), made);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static ToolCommand Merge(CommandIo io)
    {
        var command = new ToolCommand(
            "merge",
            "Give the keys of a shard back to its parent, which takes its children over too. Nothing is copied, and "
                + "writers of both wait for a moment. Exit code 1 if there is no such shard.",
            "dmt shard merge 3",
            "dmt shard merge 3 --data ./data");
        var id = new Argument<string>("ID") { Description = "The number of the shard, as dmt shard list shows it" };
        command.Add(id);
        var target = MaintenanceTarget.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var shard = ShardJson.ParseNumber(parse.GetRequiredValue(id));
            await using var store = await target.OpenAsync(parse, io, new EngineOptions(), cancellationToken);
            return await Of(store).MergeShardAsync(shard, cancellationToken)
                ? ExitCodes.Ok
                : throw new DmtException(DmtErrorKind.Conflict, $"there is no shard {shard}");
        });
        return command;
    }

    private static IShardAdministration Of(ITrieStore store) =>
        store as IShardAdministration ?? throw DmtException.InvalidArgument("this store has no shards");

    private static byte[] Bytes(string text) => text.Length > 0 ? Key.PrefixFromText(text)
        : throw DmtException.InvalidArgument(
            $"PREFIX is empty, which is the root's: expected 1 to {Key.BytesMax} bytes");

    private static async Task ShowAsync(CommandIo io, bool json, IReadOnlyList<ShardInfo> shards)
    {
        if (json)
        {
            await JsonOutput.WriteAsync(io, writer => ShardJson.Write(writer, shards));
            return;
        }

        await using var text = io.Text();
        var table = Tables.Create(
            "Prefix", "Shard", "Parent", "Open", "Tables", "Entries", "Last write", "Epoch", "Per second");
        foreach (var info in shards)
        {
            Tables.AddRow(
                table,
                $"\"{Key.ToDisplay(info.Prefix.Span)}\"",
                info.Shard.ToString(CultureInfo.InvariantCulture),
                info.Parent?.ToString(CultureInfo.InvariantCulture) ?? "",
                info.Open is null ? "no" : "yes",
                info.Open is null ? "" : ByteSize.Format(info.Open.TableBytes),
                info.Open?.EntriesMax.ToString("N0", CultureInfo.InvariantCulture) ?? "",
                info.Open?.LastSequence.ToString(CultureInfo.InvariantCulture) ?? "",
                info.Open?.Epoch.ToString(CultureInfo.InvariantCulture) ?? "",
                info.Open?.OperationsPerSecond.ToString("N0", CultureInfo.InvariantCulture) ?? "");
        }

        Tables.Console(text, io.OutIsTerminal).Write(table);
    }
}
