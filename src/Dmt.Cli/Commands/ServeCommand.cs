using System.CommandLine;
using Dmt.Cli.Configuration;
using Dmt.Cli.Serving;
using Dmt.Cli.Terminal;
using Dmt.Hosting;
using Dmt.Hosting.Configuration;

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
        var json = CommonOptions.Json("With --print-config: one JSON object, in the form of the configuration file");
        var flags = new SettingFlags<ServeSettings>(SettingCatalog.All, new ServeSettings());
        flags.AddTo(command);
        command.Add(json);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var effective = flags.Load(parse, io.Environment);
            if (parse.GetValue(flags.Print))
            {
                await PrintAsync(io, effective, parse.GetValue(json));
                return ExitCodes.Ok;
            }

            await ServerHost.RunAsync(io, effective.Settings, cancellationToken);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static async Task PrintAsync(CommandIo io, EffectiveSettings<ServeSettings> effective, bool json)
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
