using System.CommandLine;
using Dmt.Core;
using Dmt.Hosting.Configuration;

namespace Dmt.Cli.Commands;

/// <summary>Options that several commands share, and how their texts are read.</summary>
internal static class CommonOptions
{
    public static Option<bool> Json(string description) => new("--json") { Description = description };

    public static Option<string?> Fsync() => new("--fsync")
    {
        Description =
            "When the write is acknowledged: default, strict, every N operations, every Nms. Default: as the store "
                + "is set",
        HelpName = "LEVEL",
    };

    public static Option<long?> IfVersion() => new("--if-version")
    {
        Description = "Only if the key has this version now (see get --json); exit code 1 if it has not",
        HelpName = "N",
    };

    /// <exception cref="DmtException">InvalidArgument that names the flag.</exception>
    public static Durability? ParseFsync(string? text)
    {
        try
        {
            return text is null ? null : Durability.Parse(text);
        }
        catch (DmtException e)
        {
            throw new DmtException(e.Kind, "--fsync: " + e.Message, e);
        }
    }

    /// <summary>A time to live.</summary>
    /// <exception cref="DmtException">InvalidArgument that names the flag and the forms.</exception>
    public static TimeSpan? ParseTtl(string? text) => text is null ? null : TimeText.Parse(text, "--ttl");

    /// <summary>The condition that <c>--if-version</c> asks for.</summary>
    public static WriteCondition ParseCondition(long? ifVersion, bool ifAbsent) => (ifVersion, ifAbsent) switch
    {
        (null, false) => WriteCondition.None,
        (null, true) => WriteCondition.Absent,
        ( > 0, false) => WriteCondition.VersionIs((ulong)ifVersion.Value),
        (_, true) => throw DmtException.InvalidArgument("--if-version and --if-absent cannot go together"),
        _ => throw DmtException.InvalidArgument($"--if-version is {ifVersion}: expected a version, 1 or more"),
    };

    /// <summary>Checks a <c>--limit</c>: 1 or more; none means all.</summary>
    public static long ParseLimit(long? limit) => limit switch
    {
        null => long.MaxValue,
        >= 1 => limit.Value,
        _ => throw DmtException.InvalidArgument($"--limit is {limit}: expected 1 or more"),
    };
}
