using System.CommandLine;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Dmt.Cli.Terminal;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Hosting;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt search PREFIX</c>: words that begin with something.</summary>
internal static class SearchCommand
{
    private const long LimitDefault = 100;

    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "search",
            $"List words (keys of text) that begin with PREFIX, or keys that match a pattern of segments, "
                + $"{LimitDefault} at most unless told. Exit code 1 when there is none. --match asks a server whose "
                + "setting keyspaces declares how keys are cut into segments: each part of the pattern is * or the "
                + "whole segment (\\* is a star, \\xHH a byte), and whichever are fixed, it is as fast as by a prefix.",
            "dmt search tria",
            "dmt search tria --limit 10 --order weight   # the ten heaviest",
            "dmt search '' --limit 1000000               # all words",
            "dmt search tria --json                      # [\"triable\",\"triac\",…]",
            "dmt search --match '*/books/*'               # keys with books as their second segment of three",
            "dmt search --match '*/*/42' --keyspace shop");
        var prefix = new Argument<string?>("PREFIX")
        {
            Description = "What the words begin with; may be empty",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var match = new Option<string?>("--match")
        {
            Description = "Keys whose segments match, in the place of PREFIX",
            HelpName = "PATTERN",
        };
        var keyspace = new Option<string?>("--keyspace")
        {
            Description = "With --match: the keyspace. Default: the server's only one",
            HelpName = "NAME",
        };
        var limit =
            new Option<long?>("--limit") { Description = $"At most N words. Default: {LimitDefault}", HelpName = "N" };
        var order = new Option<string>("--order")
        {
            Description = "alphabetical (bytewise), or weight: heaviest first",
            HelpName = "ORDER",
            DefaultValueFactory = _ => "alphabetical",
        };
        order.AcceptOnlyFromAmong("alphabetical", "weight");
        var json = CommonOptions.Json("Print one JSON array");
        command.AddAll(prefix, match, keyspace, limit, order, json);

        var target = TargetOptions.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var (text, pattern) = (parse.GetValue(prefix), parse.GetValue(match));
            if (text is null == pattern is null || (pattern is null && parse.GetValue(keyspace) is not null))
            {
                throw DmtException.InvalidArgument(
                    "expected PREFIX, or --match PATTERN (and then --keyspace NAME), and not both");
            }

            Key.PrefixFromText(text ?? "");
            var most = CommonOptions.ParseLimit(parse.GetValue(limit) ?? LimitDefault);
            await using var store = await target.OpenAsync(parse, io, create: false, cancellationToken);
            var words = pattern is null
                ? store.SearchAsync(text!, most, parse.GetValue(order) == "weight", cancellationToken)
                : MatchAsync(
                    KeyspaceCommand.Of(store), pattern, parse.GetValue(keyspace), most, cancellationToken);
            var found = parse.GetValue(json)
                ? await WriteJsonAsync(io, words)
                : await WriteLinesAsync(io, words);
            return found ? ExitCodes.Ok : ExitCodes.Negative;
        });
        return command;
    }

    /// <summary>Keys that are no text are shown as in messages: in hexadecimal.</summary>
    private static async IAsyncEnumerable<string> MatchAsync(
        IKeyspaceSearch store,
        string pattern,
        string? keyspace,
        long most,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new MatchRequest { Pattern = pattern, Keyspace = keyspace };
        do
        {
            request = request with { Limit = (int)Math.Min(most, 1000) };
            var page = await store.MatchAsync(request, cancellationToken);
            foreach (var (key, _) in page.Results)
            {
                yield return Utf8.IsValid(key.Span) ? Encoding.UTF8.GetString(key.Span)
                    : "0x" + Convert.ToHexString(key.Span);
            }

            most -= page.Results.Count;
            request = request with { Cursor = page.Cursor };
        }
        while (request.Cursor is not null && most > 0);
    }

    private static async Task<bool> WriteLinesAsync(CommandIo io, IAsyncEnumerable<string> words)
    {
        await using var output = io.Text();
        var line = new StringBuilder();
        var found = false;
        await foreach (var word in words)
        {
            found = true;
            line.Clear();
            PlainText.Append(line, Encoding.UTF8.GetBytes(word));
            await output.WriteAsync(line.Append('\n'));
        }

        return found;
    }

    private static async Task<bool> WriteJsonAsync(CommandIo io, IAsyncEnumerable<string> words)
    {
        var found = false;
        await using (var json = new Utf8JsonWriter(io.Out, JsonOutput.WriterOptions))
        {
            json.WriteStartArray();
            await foreach (var word in words)
            {
                found = true;
                json.WriteStringValue(word);
            }

            json.WriteEndArray();
        }

        await io.Out.WriteAsync("\n"u8.ToArray());
        await io.Out.FlushAsync();
        return found;
    }
}
