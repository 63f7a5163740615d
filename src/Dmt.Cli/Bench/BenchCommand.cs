using System.CommandLine;
using Dmt.Cli.Commands;
using Dmt.Cli.Terminal;
using Dmt.Core;
using Dmt.Hosting;
using Dmt.Hosting.Configuration;

namespace Dmt.Cli.Bench;

/// <summary><c>dmt bench</c>: named workloads on one store, measured.</summary>
internal static class BenchCommand
{
    private static readonly BenchSettings Defaults = new();

    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "bench",
            "Measure this machine: named workloads, one after the other, on one store.\n\nWorkloads:\n"
            + string.Join('\n', WorkloadCatalog.All.Select(Describe)),
            "dmt bench",
            "dmt bench --workloads fillrandom,compact,readrandom --keys 10000000",
            "dmt bench --json | jq .readrandom.ops_per_s",
            "dmt bench --data ./b --workloads fillseq",
            "dmt bench --data ./b --use-existing --workloads readrandom --threads 2");
        var options = new BenchOptions(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var settings = options.Read(parse);
            settings.Validate();
            var results = await new BenchRun(settings, io).RunAsync(cancellationToken);
            if (options.IsJson(parse))
            {
                await JsonOutput.WriteAsync(io, writer => BenchReport.WriteJson(writer, results));
            }
            else
            {
                await using var text = io.Text();
                BenchReport.Render(Tables.Console(text, io.OutIsTerminal), settings, results);
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static string Describe(Workload workload) =>
        $"  {workload.Name,-12} {workload.Description}{(workload.IsDefault ? string.Empty : " (if named)")}";

    /// <summary>The command's options.</summary>
    private sealed class BenchOptions
    {
        private readonly Option<string?> _workloads =
            Create<string?>("--workloads", "LIST", "Names with commas between, in order");
        private readonly Option<long> _keys = Create("--keys", "N", "Number of keys", Defaults.Keys);
        private readonly Option<int> _keyBytes =
            Create("--key-bytes", "N", "Bytes of a key: hex digits", Defaults.KeyBytes);
        private readonly Option<int> _valueBytes =
            Create("--value-bytes", "N", "Bytes of a value", Defaults.ValueBytes);
        private readonly Option<int> _threads =
            Create("--threads", "N", "Writers or readers at a time", Defaults.Threads);
        private readonly Option<string?> _fsync = CommonOptions.Fsync();
        private readonly Option<ulong> _seed =
            Create("--seed", "N", "The same seed gives the same keys and choices", Defaults.Seed);
        private readonly Option<string?> _data =
            Create<string?>("--data", "DIR", "A new folder to keep. Default: a temporary one, deleted");
        private readonly Option<bool> _existing = new("--use-existing")
        {
            Description = "DIR holds the store of an earlier run with the same keys",
        };
        private readonly Option<string> _cache =
            Create("--cache-size", "SIZE", "Memory for memtables and blocks", ByteSize.Format(Defaults.CacheBytes));
        private readonly Option<string> _block =
            Create("--block-size", "SIZE", "Size of a data block", ByteSize.Format(Defaults.BlockBytes));
        private readonly Option<string> _compression = Create("--compression", "NAME", "none or brotli", "none");
        private readonly Option<bool> _json =
            CommonOptions.Json("Print one object {\"workload\": {\"ops_per_s\", \"p50_us\", …}, …}");

        public BenchOptions(ToolCommand command) => command.AddAll(
            _workloads, _keys, _keyBytes, _valueBytes, _threads, _fsync, _seed, _data, _existing, _cache, _block,
            _compression, _json);

        public bool IsJson(ParseResult parse) => parse.GetValue(_json);

        /// <exception cref="DmtException">InvalidArgument for a text that cannot be read.</exception>
        public BenchSettings Read(ParseResult parse) => new()
        {
            Workloads = parse.GetValue(_workloads) is { } names
                ? BenchSettings.ParseWorkloads(names)
                : WorkloadCatalog.Default,
            Keys = parse.GetValue(_keys),
            KeyBytes = parse.GetValue(_keyBytes),
            ValueBytes = parse.GetValue(_valueBytes),
            Threads = parse.GetValue(_threads),
            Durability = CommonOptions.ParseFsync(parse.GetValue(_fsync)) ?? Durability.Default,
            Seed = parse.GetValue(_seed),
            Folder = parse.GetValue(_data),
            UseExisting = parse.GetValue(_existing),
            CacheBytes = BenchSettings.ParseBytes("--cache-size", parse.GetRequiredValue(_cache)),
            BlockBytes = BenchSettings.ParseBytes("--block-size", parse.GetRequiredValue(_block)),
            Compression = BenchSettings.ParseCompression(parse.GetRequiredValue(_compression)),
        };

        private static Option<T> Create<T>(string name, string value, string description, T? byDefault = default)
        {
            var option = new Option<T>(name) { Description = description, HelpName = value };
            if (byDefault is not null)
            {
                option.DefaultValueFactory = _ => byDefault;
            }

            return option;
        }
    }
}
