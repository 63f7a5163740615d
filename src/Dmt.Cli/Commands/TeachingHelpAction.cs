using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Dmt.Hosting;

namespace Dmt.Cli.Commands;

/// <summary>The usual help, then examples, then what the exit codes mean.</summary>
internal sealed class TeachingHelpAction(HelpAction usual) : SynchronousCommandLineAction
{
    private const string Exit = """
        Exit codes:
          0  done
          1  negative answer: no such key, nothing found, a condition did not hold
          2  bad usage or bad input
          3  store or server unavailable
          4  stored bytes are damaged
        """;

    private static readonly string[] RootExamples =
    [
        "dmt serve --data ./data                      # a server on http://localhost:3030",
        "dmt import words /usr/share/dict/words       # one word a line",
        "dmt search tria                              # words that begin with tria",
        "dmt put greeting hello && dmt get greeting   # a value in, a value out",
    ];

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        usual.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        var examples = parseResult.CommandResult.Command switch
        {
            ToolCommand tool => tool.Examples,
            RootCommand => RootExamples,
            _ => [],
        };
        if (examples.Count > 0)
        {
            output.WriteLine("Examples:");
            foreach (var example in examples)
            {
                output.WriteLine("  " + example);
            }

            output.WriteLine();
        }

        output.WriteLine(Exit);
        return ExitCodes.Ok;
    }
}
