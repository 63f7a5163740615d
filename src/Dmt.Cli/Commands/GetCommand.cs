using System.CommandLine;
using Dmt.Cli.Transfer;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Hosting;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt get KEY</c>: the value, raw.</summary>
internal static class GetCommand
{
    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "get",
            "Print the value of a key, byte for byte. Exit code 1 when there is no such key.",
            "dmt get greeting",
            "dmt get photo > photo.jpg              # bytes as they are; a newline is added on a terminal only",
            "dmt get greeting --json                # with version, content type and expiry",
            "dmt get greeting --data ./data         # from a folder, with no server");
        var key = new Argument<string>("KEY") { Description = "The key" };
        var json = CommonOptions.Json("Print one JSON object: key, value, version, content_type, expires_at, weight");
        command.Add(key);
        command.Add(json);
        var target = TargetOptions.AddTo(command);
        command.SetAction((parse, cancellationToken) => RunAsync(
            io, parse.GetRequiredValue(key), parse.GetValue(json), () =>
                target.OpenAsync(parse, io, create: false, cancellationToken),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        CommandIo io, string keyText, bool json, Func<ValueTask<ITrieStore>> open, CancellationToken cancellationToken)
    {
        var key = Key.FromText(keyText);
        await using var store = await open();
        if (await store.GetAsync(key, cancellationToken) is not { } entry)
        {
            await io.Error.WriteLineAsync($"dmt: no such key: {Key.ToDisplay(key)}");
            return ExitCodes.Negative;
        }

        if (json)
        {
            await io.Out.WriteAsync(NdjsonLine.Encode(new KeyEntry(key, entry), LineParts.All), cancellationToken);
        }
        else
        {
            await io.Out.WriteAsync(entry.Value, cancellationToken);
        }

        if (json || io.OutIsTerminal)
        {
            await io.Out.WriteAsync("\n"u8.ToArray(), cancellationToken);
        }

        await io.Out.FlushAsync(cancellationToken);
        return ExitCodes.Ok;
    }
}
