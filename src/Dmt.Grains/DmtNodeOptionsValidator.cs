using Dmt.Core;
using Dmt.Engine;
using Microsoft.Extensions.Options;

namespace Dmt.Grains;

/// <summary>Names the setting, what was given and what is allowed, when the silo starts.</summary>
internal sealed class DmtNodeOptionsValidator(IOptions<DmtNodeOptions> options) : IConfigurationValidator
{
    public void ValidateConfiguration()
    {
        var given = options.Value;
        given.Engine.Validate();
        Check(
            nameof(given.ShardBytesMax), given.ShardBytesMax ?? EngineOptions.ShardBytesMaxLeast,
            EngineOptions.ShardBytesMaxLeast, EngineOptions.ShardBytesMaxMost);
        Check(
            nameof(given.ShardLoadMax), given.ShardLoadMax ?? EngineOptions.ShardLoadMaxLeast,
            EngineOptions.ShardLoadMaxLeast, EngineOptions.ShardLoadMaxMost);
        Check(nameof(given.QuietTime), given.QuietTime, TimeSpan.Zero, TimeSpan.FromDays(1));
        Check(nameof(given.Replicas), given.Replicas, 0, Core.Sharding.Placement.CopiesMax - 1);
        Check(
            nameof(given.ReplicaPollInterval), given.ReplicaPollInterval, TimeSpan.FromMilliseconds(10),
            TimeSpan.FromDays(1));
        Check(
            nameof(given.ReplicaKeepInterval), given.ReplicaKeepInterval, TimeSpan.FromMilliseconds(100),
            TimeSpan.FromHours(1));
        Check(
            nameof(given.BalanceInterval), given.BalanceInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1));
        Check(nameof(given.MoveDelay), given.MoveDelay, TimeSpan.Zero, TimeSpan.FromHours(1));
        Check(nameof(given.MovePause), given.MovePause, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }

    private static void Check<T>(string setting, T given, T least, T most)
        where T : IComparable<T>
    {
        if (given.CompareTo(least) < 0 || given.CompareTo(most) > 0)
        {
            throw DmtException.InvalidArgument($"{setting} is {given}: expected {least} to {most}");
        }
    }
}
