using System.CommandLine;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Hosting;

namespace Dmt.Cli.Commands;

/// <summary>
/// <c>dmt delete KEY | --prefix P</c>: removes a key, or all keys with a prefix at the cost of one write.
/// </summary>
internal static class DeleteCommand
{
    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "delete",
            "Remove a key, or every key that begins with a prefix. Removing what is not there is no error.",
            "dmt delete greeting",
            "dmt delete lock --if-version 41           # exit code 1 when it has another version",
            "dmt delete --prefix session/              # all of them, at the cost of one write",
            "dmt delete --prefix '' --force            # everything");
        var key = new Argument<string?>("KEY") { Description = "The key", Arity = ArgumentArity.ZeroOrOne };
        var prefix =
            new Option<string?>("--prefix") { Description = "Remove every key that begins with P", HelpName = "P" };
        var force = new Option<bool>("--force") { Description = "Allow an empty prefix, which means every key" };
        var ifVersion = CommonOptions.IfVersion();
        var fsync = CommonOptions.Fsync();
        command.AddAll(key, prefix, force, ifVersion, fsync);

        var target = TargetOptions.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var options = new WriteOptions
            {
                Condition = CommonOptions.ParseCondition(parse.GetValue(ifVersion), ifAbsent: false),
                Durability = CommonOptions.ParseFsync(parse.GetValue(fsync)),
            };
            var what =
                Check(parse.GetValue(key), parse.GetValue(prefix), parse.GetValue(force), parse.GetValue(ifVersion));
            await using var store = await target.OpenAsync(parse, io, create: false, cancellationToken);
            await (what.IsPrefix
                ? store.DeleteRangeAsync(KeyRange.Prefix(what.Bytes), options, cancellationToken)
                : store.DeleteAsync(what.Bytes, options, cancellationToken));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static (byte[] Bytes, bool IsPrefix) Check(string? key, string? prefix, bool force, long? ifVersion) =>
        (key, prefix) switch
        {
            (null, null) => throw DmtException.InvalidArgument("delete needs a key or --prefix P"),
            (not null, not null) => throw DmtException.InvalidArgument("delete takes a key or --prefix, not both"),
            (not null, _) => (Key.FromText(key), false),
            _ when ifVersion is not null =>
                throw DmtException.InvalidArgument("--if-version needs a key: a prefix has no version"),
            (_, "") when !force =>
                throw DmtException.InvalidArgument("an empty --prefix means every key: add --force if you mean it"),
            _ => (Key.PrefixFromText(prefix!), true),
        };
}
