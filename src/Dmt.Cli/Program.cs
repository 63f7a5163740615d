using System.Collections;
using System.Runtime.InteropServices;
using Dmt.Cli;
using Dmt.Cli.Serving;
using Dmt.Cli.Terminal;
using Dmt.Engine;
using Dmt.Engine.Inspection;

// Ctrl-C and SIGTERM ask for a clean end; a second one ends the process at once.
using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);

var environment = new Dictionary<string, string>(StringComparer.Ordinal);
foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
{
    environment[(string)variable.Key] = (string?)variable.Value ?? string.Empty;
}

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
    Environment = environment,
    OpenFolder = async (folder, options, cancellationToken) =>
        await TrieStore.OpenAsync(folder, options, TimeProvider.System, cancellationToken),
    OpenBucket = BucketOpening.OpenAsync,
    CloneBucket = BucketOpening.CloneAsync,
    Inspect = Inspector.Inspect,
};
return await DmtProgram.RunAsync(args, io, stop.Token);

void OnSignal(PosixSignalContext context)
{
    context.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
}
