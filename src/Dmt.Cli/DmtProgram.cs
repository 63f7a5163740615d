using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Dmt.Cli.Bench;
using Dmt.Cli.Commands;
using Dmt.Cli.Terminal;
using Dmt.Core;
using Dmt.Hosting;
using Dmt.Hosting.Configuration;

namespace Dmt.Cli;

/// <summary>
/// The <c>dmt</c> program: command line in, exit code out. Errors are one line on standard error, without a stack
/// trace.
/// </summary>
internal static class DmtProgram
{
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, CommandIo io, CancellationToken cancellationToken)
    {
        try
        {
            // A value may begin with @ (no response files), and Ctrl-C is the caller's (no termination handler).
            var parse = CreateRoot(io).Parse(
                arguments, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
            if (parse.Errors.Count > 0 && parse.Action is ParseErrorAction or null)
            {
                throw DmtException.InvalidArgument(UsageError(parse));
            }

            await using var output = io.Text();
            var invocation = new InvocationConfiguration
            {
                Output = output,
                Error = io.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            };
            return await parse.InvokeAsync(invocation, cancellationToken);
        }
        catch (OutputClosedException)
        {
            return ExitCodes.Ok;
        }
        catch (Exception e)
        {
            return new ProgramErrors("dmt", io.Error, io.Environment)
                .Report(e, cancellationToken.IsCancellationRequested);
        }
    }

    /// <summary>The whole command line.</summary>
    internal static RootCommand CreateRoot(CommandIo io)
    {
        var root = new RootCommand(
            "DMT: an ordered key-value store with prefix search. One machine, one folder, one program.");
        root.Directives.Clear();
        root.Add(ServeCommand.Create(io));
        root.Add(GetCommand.Create(io));
        root.Add(PutCommand.Create(io));
        root.Add(DeleteCommand.Create(io));
        root.Add(ScanCommand.Create(io));
        root.Add(SearchCommand.Create(io));
        root.Add(ImportCommand.Create(io));
        root.Add(ExportCommand.Create(io));
        root.Add(StatCommand.Create(io));
        root.Add(InspectCommand.Create(io));
        root.Add(CheckpointCommand.Create(io));
        root.Add(ShardCommand.Create(io));
        root.Add(KeyspaceCommand.Create(io));
        root.Add(GcCommand.Create(io));
        root.Add(PromoteCommand.Create(io));
        root.Add(BenchCommand.Create(io));
        foreach (var option in root.Options.OfType<HelpOption>())
        {
            option.Action = new TeachingHelpAction((HelpAction)option.Action!);
        }

        root.Options.OfType<VersionOption>().Single().Action = new VersionAction();

        return root;
    }

    private static string UsageError(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        var path = command is RootCommand ? "dmt" : "dmt " + string.Join(' ', CommandPath(parse));
        if (command.Subcommands.Count > 0 && parse.UnmatchedTokens.Count == 0)
        {
            var names = string.Join(", ", command.Subcommands.Select(c => c.Name));
            return $"a command is missing: {path} and one of {names}; see {path} --help";
        }

        if (parse.UnmatchedTokens is [var token, ..])
        {
            var isFlag = token.StartsWith("--", StringComparison.Ordinal);
            var known = isFlag
                ? command.Options.Where(o => !o.Hidden).Select(o => o.Name)
                : command.Subcommands.Select(c => c.Name);
            var what = isFlag ? "flag" : command.Subcommands.Count > 0 ? "command" : "argument";
            var hint = NearName.Hint(token.Split('=')[0], known);
            return $"unknown {what} {token}{hint}; see {path} --help";
        }

        var missing = command.Arguments.FirstOrDefault(
            a => a.Arity.MinimumNumberOfValues > (parse.GetResult(a)?.Tokens.Count ?? 0));
        if (missing is not null)
        {
            return $"{path} needs {missing.Name}; see {path} --help";
        }

        return $"{parse.Errors[0].Message.TrimEnd('.')}; see {path} --help";
    }

    private static Stack<string> CommandPath(ParseResult parse)
    {
        var names = new Stack<string>();
        for (var at = parse.CommandResult; at?.Command is not (
            null or RootCommand); at = at.Parent as System.CommandLine.Parsing.CommandResult)
        {
            names.Push(at.Command.Name);
        }

        return names;
    }
}
