using Spectre.Console;

namespace Dmt.Cli.Terminal;

/// <summary>Tables for people: the first column to the left, the others to the right.</summary>
internal static class Tables
{
    private const int WidthWithoutTerminal = 120;

    /// <summary>A console that writes to <paramref name="output"/>; plain text where that is no terminal.</summary>
    public static IAnsiConsole Console(TextWriter output, bool isTerminal)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
            ColorSystem = isTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(output),
        });
        if (!isTerminal)
        {
            console.Profile.Width = WidthWithoutTerminal;
        }

        return console;
    }

    public static Table Create(params string[] headers)
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var (header, i) in headers.Select((h, i) => (h, i)))
        {
            var column = new TableColumn(new Text(header));
            table.AddColumn(i == 0 ? column.LeftAligned() : column.RightAligned());
        }

        return table;
    }

    /// <summary>Adds a row of plain text: nothing in it is markup.</summary>
    public static void AddRow(Table table, params string[] cells) => table.AddRow(cells.Select(c => new Text(c)));
}
