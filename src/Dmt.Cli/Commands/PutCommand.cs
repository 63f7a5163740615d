using System.CommandLine;
using System.Text;
using Dmt.Api;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Hosting;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt put KEY VALUE</c>: sets a key.</summary>
internal static class PutCommand
{
    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "put",
            "Set a key to a value: given as text, from standard input (-) or from a file.",
            "dmt put greeting hello",
            "dmt put photo --file photo.jpg --content-type image/jpeg",
            "date | dmt put now -",
            "dmt put session abc --ttl 30m",
            "dmt put lock me --if-absent               # exit code 1 when the key is there",
            "dmt put counter 8 --if-version 41         # compare and set",
            "dmt put order-17 paid --fsync strict      # acknowledged when durable");
        var key = new Argument<string>("KEY") { Description = "The key: 1 to 1,024 bytes of UTF-8" };
        var value = new Argument<string?>("VALUE")
        {
            Description = "The value as text, or - for standard input",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var file = new Option<string?>("--file") { Description = "Take the value from this file", HelpName = "F" };
        var ttl = new Option<string?>(
            "--ttl")
        { Description = "Expires this long from now: 500ms, 60s, 10m, 24h, 7d", HelpName = "T" };
        var type = new Option<string?>(
            "--content-type")
        { Description = "Kept beside the value and served with it", HelpName = "TYPE" };
        var ifVersion = CommonOptions.IfVersion();
        var ifAbsent =
            new Option<bool>("--if-absent") { Description = "Only if there is no such key; exit code 1 if there is" };
        var fsync = CommonOptions.Fsync();
        var json = CommonOptions.Json("Print {\"key\", \"version\"}");
        command.AddAll(key, value, file, ttl, type, ifVersion, ifAbsent, fsync, json);

        var target = TargetOptions.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var options = new WriteOptions
            {
                Condition = CommonOptions.ParseCondition(parse.GetValue(ifVersion), parse.GetValue(ifAbsent)),
                Durability = CommonOptions.ParseFsync(parse.GetValue(fsync)),
                TimeToLive = CommonOptions.ParseTtl(parse.GetValue(ttl)),
                Metadata = parse.GetValue(type) is { } contentType
                    ? new EntryMetadata(EntryMetadata.CheckContentType(contentType), 0).Encode() : default,
            };
            var keyBytes = Key.FromText(parse.GetRequiredValue(key));
            var valueBytes = await ReadValueAsync(io, parse.GetValue(value), parse.GetValue(file), cancellationToken);
            await using var store = await target.OpenAsync(parse, io, create: true, cancellationToken);
            var version = await store.PutAsync(keyBytes, valueBytes, options, cancellationToken);
            if (parse.GetValue(json))
            {
                await JsonOutput.WriteAsync(io, writer =>
                {
                    writer.WriteString("key", keyBytes);
                    writer.WriteNumber("version", version);
                });
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static async Task<ReadOnlyMemory<byte>> ReadValueAsync(
        CommandIo io, string? text, string? file, CancellationToken cancellationToken)
    {
        switch (text, file)
        {
            case (null, null):
                throw DmtException.InvalidArgument("put needs a value: as text, - for standard input, or --file F");
            case (not null, not null):
                throw DmtException.InvalidArgument("put takes a value or --file, not both");
            case ("-", _):
                using (var all = new MemoryStream())
                {
                    await io.In.CopyToAsync(all, cancellationToken);
                    return all.ToArray();
                }

            case (not null, _):
                return Encoding.UTF8.GetBytes(text);
            default:
                return await InputFiles.ReadAllAsync(file!, cancellationToken);
        }
    }
}
