using Dmt.Core;
using Dmt.Engine.Log;

namespace Dmt.Engine.Tests.Log;

/// <summary>A record as it was appended, or as it came back.</summary>
internal sealed record Record(uint Shard, ulong Epoch, ulong FirstSeq, int Count, byte[] Operations, long Position)
{
    public bool Equals(Record? other) => other is not null
        && (Shard, Epoch, FirstSeq, Count, Position) == (other.Shard, other.Epoch, other.FirstSeq, other.Count,
            other.Position)
        && Operations.AsSpan().SequenceEqual(other.Operations);

    public override int GetHashCode() => Position.GetHashCode();

    public override string ToString() => $"{Shard}/{Epoch}/{FirstSeq}+{Count} {Operations.Length} bytes, to {Position}";
}

/// <summary>A directory of logs with helpers to fill one and read it back.</summary>
internal sealed class LogFixture : IDisposable
{
    public const string Incarnation = "01JTEST0000000000000000001";

    private readonly TemporaryDirectory _directory = new();

    public string Directory => Path.Combine(_directory.Path, "log");

    public string Folder => Path.Combine(Directory, Incarnation);

    public static FileLogOptions SmallSegments => new() { SegmentBytes = 64 << 10 };

    public string Segment(int number) => Path.Combine(Folder, $"{number:D16}.log");

    public FileLog Create(FileLogOptions? options = null, TimeProvider? time = null) =>
        FileLog.Create(Directory, Incarnation, options ?? new FileLogOptions(), time ?? new ManualTime());

    /// <summary>Appends a record of so many bytes that the random makes.</summary>
    public static Record Append(FileLog log, Random random, int bytes, Durability durability = default)
    {
        var operations = new byte[bytes];
        random.NextBytes(operations);
        var shard = (uint)random.Next(5);
        var epoch = (ulong)random.Next(1000);
        var seq = (ulong)random.NextInt64();
        var count = random.Next(1, 300);
        var position = log.Append(shard, epoch, seq, count, operations, durability);
        return new Record(shard, epoch, seq, count, operations, position);
    }

    public (List<Record> Records, LogReplayResult Result) Replay(long fromPosition = 0)
    {
        List<Record> records = [];
        var result = FileLog.Replay(Directory, Incarnation, fromPosition, (in LogRecord r) => records.Add(
            new Record(r.Shard, r.Epoch, r.FirstSeq, r.Count, r.Operations.ToArray(), r.Position)));
        return (records, result);
    }

    public void Dispose() => _directory.Dispose();
}
