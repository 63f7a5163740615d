using System.CommandLine;
using System.CommandLine.Invocation;
using Dmt.Cli.Serving;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt --version</c>: the version of this program, whatever process hosts it.</summary>
internal sealed class VersionAction : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine(ServerHost.Version);
        return ExitCodes.Ok;
    }
}
