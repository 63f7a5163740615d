using System.CommandLine;
using System.Text;
using Dmt.Cli.Terminal;
using Dmt.Cli.Transfer;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Hosting;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt scan</c>: keys and values in order.</summary>
internal static class ScanCommand
{
    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "scan",
            "List keys with their values in key order, one a line, a tab between. Bytes that are no text come as "
                + "\\xNN.",
            "dmt scan --prefix user/ --limit 20",
            "dmt scan --from a --to b                  # from a, up to but without b",
            "dmt scan --reverse --limit 1              # the last key",
            "dmt scan --prefix user/ --keys            # keys only",
            "dmt scan --json | jq .key                 # one JSON object a line, bytes exact");
        var prefix = new Option<string?>("--prefix") { Description = "Only keys that begin with P", HelpName = "P" };
        var from = new Option<string?>("--from") { Description = "First key, inclusive", HelpName = "A" };
        var to = new Option<string?>("--to") { Description = "Last key, exclusive", HelpName = "B" };
        var limit = new Option<long?>("--limit") { Description = "At most N entries. Default: all", HelpName = "N" };
        var reverse = new Option<bool>("--reverse") { Description = "From the last key to the first" };
        var keys = new Option<bool>("--keys") { Description = "Leave the values out" };
        var json = CommonOptions.Json("One JSON object a line, as dmt export writes them");
        command.AddAll(prefix, from, to, limit, reverse, keys, json);

        var target = TargetOptions.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var most = CommonOptions.ParseLimit(parse.GetValue(limit));
            var request = new ScanRequest
            {
                Range = ParseRange(parse.GetValue(prefix), parse.GetValue(from), parse.GetValue(to)),
                Reverse = parse.GetValue(reverse),
                KeysOnly = parse.GetValue(keys),
            };
            if (request.Range.IsEmpty)
            {
                return ExitCodes.Ok;
            }

            await using var store = await target.OpenAsync(parse, io, create: false, cancellationToken);
            await WriteAsync(io, store, request, most, parse.GetValue(json), cancellationToken);
            return ExitCodes.Ok;
        });
        return command;
    }

    /// <exception cref="DmtException">InvalidArgument when a prefix comes with a bound.</exception>
    internal static KeyRange ParseRange(string? prefix, string? from, string? to)
    {
        if (prefix is not null)
        {
            return from is null && to is null
                ? KeyRange.Prefix(Key.PrefixFromText(prefix))
                : throw DmtException.InvalidArgument("--prefix cannot go with --from or --to");
        }

        var end = to is null ? (ReadOnlyMemory<byte>?)null : Key.PrefixFromText(to);
        return new KeyRange(Key.PrefixFromText(from ?? string.Empty), end);
    }

    private static async Task WriteAsync(
        CommandIo io, ITrieStore store, ScanRequest request, long most, bool json, CancellationToken cancellationToken)
    {
        await using var text = io.Text();
        var line = new StringBuilder();
        await foreach (var entry in store.StreamAsync(request, most, cancellationToken))
        {
            line.Clear();
            if (json)
            {
                line.Append(Encoding.UTF8.GetString(
                    NdjsonLine.Encode(entry, request.KeysOnly ? LineParts.Key : LineParts.All)));
            }
            else
            {
                AppendPlain(line, entry, request.KeysOnly);
            }

            await text.WriteAsync(line.Append('\n'), cancellationToken);
        }
    }

    private static void AppendPlain(StringBuilder line, KeyEntry entry, bool keysOnly)
    {
        PlainText.Append(line, entry.Key.Span);
        if (!keysOnly)
        {
            line.Append('\t');
            PlainText.Append(line, entry.Entry.Value.Span);
        }
    }
}
