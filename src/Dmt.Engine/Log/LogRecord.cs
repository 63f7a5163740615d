namespace Dmt.Engine.Log;

/// <summary>A record of the log as replay hands it out. Valid during the call.</summary>
public readonly ref struct LogRecord
{
    public uint Shard { get; init; }

    public ulong Epoch { get; init; }

    /// <summary>Sequence number of the first operation.</summary>
    public ulong FirstSeq { get; init; }

    /// <summary>How many operations there are.</summary>
    public int Count { get; init; }

    /// <summary>The operations, encoded back to back.</summary>
    public ReadOnlySpan<byte> Operations { get; init; }

    /// <summary>The log position after the record.</summary>
    public long Position { get; init; }

    /// <summary>The segment file that holds the record.</summary>
    public string File { get; init; }

    /// <summary>Where in that file the record begins.</summary>
    public long Offset { get; init; }
}

/// <summary>Takes one record of a replay.</summary>
public delegate void LogRecordHandler(in LogRecord record);

/// <summary>How a replay ended.</summary>
/// <param name="End">The position after the last record that survived.</param>
/// <param name="Records">How many records were delivered.</param>
/// <param name="CleanlyClosed">The log ends with the mark that it was closed with everything synced.</param>
/// <param name="TornFile">The segment whose torn tail was cut off; null where nothing was.</param>
/// <param name="TornOffset">Where the torn tail begins in it.</param>
public readonly record struct LogReplayResult(long End, long Records, bool CleanlyClosed, string? TornFile,
    long TornOffset);
