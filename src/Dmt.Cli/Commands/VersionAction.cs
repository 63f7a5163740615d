using System.CommandLine;
using System.CommandLine.Invocation;
using Dmt.Hosting;
using Dmt.Hosting.Serving;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt --version</c>: the version of this program, whatever process hosts it.</summary>
internal sealed class VersionAction : SynchronousCommandLineAction
{
    public override int Invoke(ParseResult parseResult)
    {
        parseResult.InvocationConfiguration.Output.WriteLine(HttpServer.Version);
        return ExitCodes.Ok;
    }
}
