using System.CommandLine;

namespace Dmt.Cli.Commands;

/// <summary>A command whose help ends with examples.</summary>
internal sealed class ToolCommand(string name, string description, params string[] examples)
    : Command(name, description)
{
    /// <summary>Whole command lines, each optionally followed by two blanks, a # and what it does.</summary>
    public IReadOnlyList<string> Examples { get; } = examples;

    /// <summary>Adds arguments and options, in the order in which the help lists them.</summary>
    public void AddAll(params ReadOnlySpan<Symbol> symbols)
    {
        foreach (var symbol in symbols)
        {
            switch (symbol)
            {
                case Argument argument:
                    Add(argument);
                    break;
                case Option option:
                    Add(option);
                    break;
                default:
                    throw new ArgumentException($"{symbol.Name} is neither argument nor option", nameof(symbols));
            }
        }
    }
}
