using Dmt.Engine.Manifests;

namespace Dmt.Engine.Log;

/// <summary>Logs in a folder that only one process at a time can have.</summary>
internal sealed class FileLogStore(string directory, FileLogOptions options, TimeProvider time) : ILogStore
{
    public bool IsExclusive => true;

    public INodeLog Create(string incarnation) => FileLog.Create(directory, incarnation, options, time);

    public IReadOnlyList<string> ListOwnIncarnations() => FileLog.ListIncarnations(directory);

    public ValueTask SealAsync(LogRange range, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public void Check(LogRange range) =>
        FileLog.Replay(directory, range.Incarnation, range.From, static (in LogRecord _) => { });

    public ValueTask ReplayAsync(
        LogRange range, uint shard, LogRecordHandler handler, CancellationToken cancellationToken)
    {
        FileLog.Replay(directory, range.Incarnation, range.From, handler);
        return ValueTask.CompletedTask;
    }

    public void Delete(string incarnation) => FileLog.Delete(directory, incarnation);
}
