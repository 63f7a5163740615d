using System.CommandLine;
using System.CommandLine.Invocation;
using Dmt.Core;
using Dmt.Hosting;
using Dmt.Hosting.Configuration;
using Dmt.Hosting.Serving;
using Dmt.Silo.Configuration;
using Dmt.Silo.Serving;

namespace Dmt.Silo;

/// <summary>
/// The <c>dmt-silo</c> program: command line in, exit code out. Errors are one line on standard error, without a stack
/// trace.
/// </summary>
public static class SiloProgram
{
    /// <summary>Runs a node of a cluster until a signal asks it to stop.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="storages">Places for the state of grains, besides the store itself.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, params IReadOnlyList<GrainStorageChoice> storages)
    {
        using var signals = new StopSignals();
        return await RunAsync(
            arguments,
            [GrainStorageChoice.Dmt, .. storages],
            EnvironmentVariables.Read(),
            Console.Out,
            Console.Error,
            signals.Token);
    }

    /// <summary>The same with a world handed in.</summary>
    internal static async Task<int> RunAsync(
        IReadOnlyList<string> arguments,
        IReadOnlyList<GrainStorageChoice> storages,
        IReadOnlyDictionary<string, string> environment,
        TextWriter output,
        TextWriter error,
        CancellationToken stop)
    {
        try
        {
            var parse = CreateRoot(storages, environment, output).Parse(
                arguments, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
            if (parse.UnmatchedTokens is [var token, ..])
            {
                var hint = NearName.Hint(
                    token.Split('=')[0], parse.CommandResult.Command.Options.Select(static option => option.Name));
                throw DmtException.InvalidArgument($"unknown flag {token}{hint}; see dmt-silo --help");
            }

            if (parse.Errors.Count > 0 && parse.Action is ParseErrorAction or null)
            {
                throw DmtException.InvalidArgument($"{parse.Errors[0].Message.TrimEnd('.')}; see dmt-silo --help");
            }

            var invocation = new InvocationConfiguration
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            };
            return await parse.InvokeAsync(invocation, stop);
        }
        catch (Exception e)
        {
            return new ProgramErrors("dmt-silo", error, environment).Report(e, stop.IsCancellationRequested);
        }
    }

    private static RootCommand CreateRoot(
        IReadOnlyList<GrainStorageChoice> storages, IReadOnlyDictionary<string, string> environment, TextWriter output)
    {
        var root = new RootCommand(
            "One node of a DMT cluster: it owns shards of the store in a bucket, and serves all of it over HTTP. "
            + "Settings come from config.json in the current folder, from the environment (DMT__SILO_PORT=11112) and "
            + "from flags, each over the one before. Ctrl-C or SIGTERM hands its shards over and ends it.");
        root.Directives.Clear();
        var flags = new SettingFlags<SiloSettings>(SiloSettingCatalog.All(storages), new SiloSettings());
        flags.AddTo(root);
        root.Options.OfType<VersionOption>().Single().Action = new VersionAction();
        root.SetAction(async (parse, stop) =>
        {
            var effective = flags.Load(parse, environment);
            if (parse.GetValue(flags.Print))
            {
                foreach (var setting in flags.Catalog)
                {
                    await output.WriteLineAsync(
                        $"{setting.Name} = {setting.Show(effective.Settings)}  ({effective.SourceOf(setting)})");
                }

                return ExitCodes.Ok;
            }

            var storage = storages.Single(choice => choice.Name == effective.Settings.GrainStorage);
            return await SiloServer.RunAsync(
                effective.Settings,
                silo => storage.Add(silo, Grains.DmtShardsExtensions.StorageName, environment),
                storage.Explain ?? (static _ => null),
                output,
                stop);
        });
        return root;
    }

    private sealed class VersionAction : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(HttpServer.Version);
            return ExitCodes.Ok;
        }
    }
}
