using Dmt.Engine.Log;
using Dmt.Engine.Objects;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Replication;

/// <summary>
/// The ends of the logs that a process follows, one for each owner of shards, shared by those of its shards. Safe for
/// concurrent use.
/// </summary>
internal sealed class LogTails(IObjectStore objects, TimeProvider time, EngineScheduler scheduler)
{
    /// <summary>
    /// With more owners than that the one that was read longest ago goes; it begins again with a listing.
    /// </summary>
    private const int Max = 32;

    private readonly Lock _lock = new(); // guards _tails
    private readonly LinkedList<(string Incarnation, ObjectLogTail Tail)> _tails = []; // last used first

    public ObjectLogStore Logs { get; } = new(objects, new ObjectLogOptions(), time, scheduler);

    public ObjectLogTail Of(string incarnation)
    {
        lock (_lock)
        {
            var node = _tails.First;
            while (node is not null && node.Value.Incarnation != incarnation)
            {
                node = node.Next;
            }

            if (node is not null)
            {
                _tails.Remove(node);
            }
            else
            {
                node = new((incarnation, new ObjectLogTail(Logs, incarnation, time, scheduler)));
            }

            _tails.AddFirst(node);
            if (_tails.Count > Max)
            {
                _tails.RemoveLast();
            }

            return node.Value.Tail;
        }
    }
}
