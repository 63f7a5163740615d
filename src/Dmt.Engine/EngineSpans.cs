using System.Diagnostics;
using Dmt.Core.Diagnostics;

namespace Dmt.Engine;

/// <summary>The engine's part of a trace.</summary>
internal static class EngineSpans
{
    private static readonly ActivitySource Source = new(DmtSpans.Engine);

    /// <summary>Null where nobody listens.</summary>
    public static Activity? Start(string name) => Source.StartActivity(name);

    /// <summary>As of a shard.</summary>
    public static Activity? Start(string name, uint shard) => Source.StartActivity(name)?.SetTag("dmt.shard", shard);
}
