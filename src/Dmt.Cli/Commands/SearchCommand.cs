using System.CommandLine;
using System.Text;
using System.Text.Json;
using Dmt.Cli.Terminal;
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
            $"List words (keys of text) that begin with PREFIX, {LimitDefault} at most unless told. Exit code 1 when "
                + $"there is none.",
            "dmt search tria",
            "dmt search tria --limit 10 --order weight   # the ten heaviest",
            "dmt search '' --limit 1000000               # all words",
            "dmt search tria --json                      # [\"triable\",\"triac\",…]");
        var prefix = new Argument<string>("PREFIX") { Description = "What the words begin with; may be empty" };
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
        command.AddAll(prefix, limit, order, json);

        var target = TargetOptions.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var text = parse.GetRequiredValue(prefix);
            Key.PrefixFromText(text);
            var most = CommonOptions.ParseLimit(parse.GetValue(limit) ?? LimitDefault);
            await using var store = await target.OpenAsync(parse, io, create: false, cancellationToken);
            var words = store.SearchAsync(text, most, parse.GetValue(order) == "weight", cancellationToken);
            var found = parse.GetValue(json)
                ? await WriteJsonAsync(io, words)
                : await WriteLinesAsync(io, words);
            return found ? ExitCodes.Ok : ExitCodes.Negative;
        });
        return command;
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
