using System.Diagnostics;
using Dmt.Core.Diagnostics;

namespace Dmt.Client;

/// <summary>
/// The client's part of a trace. Calls that share a message have a span each; what follows from the message is with the
/// call that it was sent for first.
/// </summary>
internal static class ClientSpans
{
    private static readonly ActivitySource Source = new(DmtSpans.Client);

    /// <summary>Null where nobody listens.</summary>
    public static Activity? Start(string name) => Source.StartActivity(name, ActivityKind.Client);
}
