using Dmt.Core;

namespace Dmt.Client;

/// <summary>
/// Numbers the writes to one shard, and knows the lowest that may still be sent again. Each shard has numbers of its
/// own: one that does not answer must not make the others remember. Safe for concurrent use.
/// </summary>
internal sealed class RequestNumbers(ulong client)
{
    private readonly Lock _lock = new(); // guards the fields below
    private readonly HashSet<ulong> _ended = []; // above the lowest that is pending
    private ulong _last;
    private ulong _pendingFrom = 1;

    public RequestId Begin()
    {
        lock (_lock)
        {
            return new RequestId(client, ++_last, _pendingFrom);
        }
    }

    /// <summary>The request, as it is to be sent now: what was pending when it began may have ended.</summary>
    public RequestId Renew(RequestId request)
    {
        lock (_lock)
        {
            return request with { PendingFrom = _pendingFrom };
        }
    }

    /// <summary>It will not be sent again.</summary>
    public void End(RequestId request)
    {
        lock (_lock)
        {
            if (request.Number != _pendingFrom)
            {
                _ended.Add(request.Number);
                return;
            }

            do
            {
                _pendingFrom++;
            }
            while (_ended.Remove(_pendingFrom));
        }
    }
}
