using System.Globalization;

namespace Dmt.Engine.Tests.Shards;

/// <summary>Figures that make a test of shards longer than it is in <c>./test</c>.</summary>
internal static class ShardSetting
{
    /// <summary>What the environment says, or else the figure of <c>./test</c>.</summary>
    public static int Of(string name, int byDefault) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } given
            ? int.Parse(given, CultureInfo.InvariantCulture) : byDefault;
}
