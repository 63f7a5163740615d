using Dmt.Core;

namespace Dmt.Client;

/// <summary>How a client of a DMT cluster works.</summary>
public sealed class DmtClientOptions
{
    /// <summary>
    /// How long a call is tried again before it fails with Unavailable: long enough, by default, for a silo that died
    /// to be noticed and its shards to be opened elsewhere. 100 ms to 1 hour; 60 s by default.
    /// </summary>
    public TimeSpan OperationTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>The first pause before a call is tried again; it doubles, with chance in it. 1 ms to 1 minute; 20 ms by
    /// default.</summary>
    public TimeSpan RetryDelayMin { get; set; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The longest pause. Not below <see cref="RetryDelayMin"/>, at most 1 minute; 1 s by default.</summary>
    public TimeSpan RetryDelayMax { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Messages under way to one shard, for reads and for writes; calls beyond wait and go together in one. A shard
    /// looks at one message at a time, so 2 keep it busy. 1 to 1,024; 2 by default.
    /// </summary>
    public int MessagesMax { get; set; } = 2;

    /// <summary>Calls in one message. 1 (none go together) to 10,000; 256 by default.</summary>
    public int CallsPerMessageMax { get; set; } = 256;

    /// <exception cref="DmtException">InvalidArgument naming the setting, what was given and what is
    /// allowed.</exception>
    internal void Validate()
    {
        Check(nameof(OperationTimeout), OperationTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        Check(nameof(RetryDelayMin), RetryDelayMin, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        Check(nameof(RetryDelayMax), RetryDelayMax, RetryDelayMin, TimeSpan.FromMinutes(1));
        Check(nameof(MessagesMax), MessagesMax, 1, 1024);
        Check(nameof(CallsPerMessageMax), CallsPerMessageMax, 1, 10_000);
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
