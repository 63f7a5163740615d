using Dmt.Cli;
using Dmt.Cli.Terminal;
using Dmt.Engine;
using Dmt.Engine.Inspection;
using Dmt.Hosting;
using Dmt.Hosting.Serving;

using var signals = new StopSignals();
await using var input = Console.OpenStandardInput();
await using var output = new BufferedStream(new StandardOutput(), 64 << 10);
var io = new CommandIo
{
    In = input,
    Out = output,
    Error = Console.Error,
    InIsTerminal = !Console.IsInputRedirected,
    OutIsTerminal = !Console.IsOutputRedirected,
    ErrorIsTerminal = !Console.IsErrorRedirected,
    Environment = EnvironmentVariables.Read(),
    OpenFolder = async (folder, options, cancellationToken) =>
        await TrieStore.OpenAsync(folder, options, TimeProvider.System, cancellationToken),
    OpenBucket = BucketOpening.OpenAsync,
    CloneBucket = BucketOpening.CloneAsync,
    Inspect = Inspector.Inspect,
};
return await DmtProgram.RunAsync(args, io, signals.Token);
