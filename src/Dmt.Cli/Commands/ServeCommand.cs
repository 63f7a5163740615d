using System.CommandLine;
using Dmt.Cli.Configuration;
using Dmt.Cli.Serving;
using Dmt.Cli.Terminal;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt serve</c>: a server over a folder or a bucket.</summary>
internal static class ServeCommand
{
    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "serve",
            "Serve a folder or a bucket over HTTP: API, metrics and console. Settings come from config.json in the "
                + "current "
                + "folder, from the environment "
            + "(DMT__PORT=3031) and from flags, each over the one before. Ctrl-C or SIGTERM ends it cleanly.",
            "dmt serve",
            "dmt serve --data /var/lib/dmt --port 8080 --host '*'",
            "dmt serve --store s3://bucket/prefix          # in a bucket; needs no disk",
            "dmt serve --store s3://bucket/prefix --data /var/cache/dmt   # with a cache on disk",
            "dmt serve --fsync strict                      # acknowledge when durable",
            "dmt serve --fsync 'every 50ms' --cache-size 1GiB",
            "dmt serve --replicas reader:3040 --replica-acks 1   # a main with a replica",
            "dmt serve --is-replica true --host '*'        # that replica, on the machine called reader",
            "DMT__CACHE_SIZE=64MB dmt serve --print-config # what it would run with, and why");
        var config = new Option<string?>("--config")
        {
            Description = $"Configuration file. Default: {SettingsLoader.DefaultFile} where there is one",
            HelpName = "FILE",
        };
        var print =
            new Option<bool>("--print-config") { Description = "Show the settings and where each comes from, and end" };
        var json = CommonOptions.Json("With --print-config: one JSON object, in the form of the configuration file");
        var defaults = new ServeSettings();
        var flags = SettingCatalog.All.ToDictionary(s => s, s => new Option<string?>(s.Flag)
        {
            Description =
                $"{s.Help}: {s.Allowed}. Default: {(s.Show(defaults) is { Length: > 0 } text ? text : "none")}",
            HelpName = s.Name.Split('_')[^1].ToUpperInvariant(),
        });
        foreach (var option in flags.Values)
        {
            command.Add(option);
        }

        command.Add(config);
        command.Add(print);
        command.Add(json);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var given = flags
                .Select(f => KeyValuePair.Create(f.Key.Name, parse.GetValue(f.Value)))
                .Where(f => f.Value is not null);
            var effective = SettingsLoader.Load(parse.GetValue(config), io.Environment, given!);
            if (parse.GetValue(print))
            {
                await PrintAsync(io, effective, parse.GetValue(json));
                return ExitCodes.Ok;
            }

            await ServerHost.RunAsync(io, effective.Settings, cancellationToken);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static async Task PrintAsync(CommandIo io, EffectiveSettings effective, bool json)
    {
        var shown = SettingCatalog.All;
        if (json)
        {
            await JsonOutput.WriteAsync(io, writer =>
            {
                // What is left out in the file, too: a cache, a bucket.
                foreach (var setting in shown.Where(s => s.Show(effective.Settings).Length > 0))
                {
                    writer.WriteString(setting.Name, setting.Show(effective.Settings));
                }
            });
            return;
        }

        await using var text = io.Text();
        var table = Tables.Create("Setting", "Value", "From");
        foreach (var setting in shown)
        {
            Tables.AddRow(table, setting.Name, setting.Show(effective.Settings), effective.SourceOf(setting));
        }

        Tables.Console(text, io.OutIsTerminal).Write(table);
    }
}
