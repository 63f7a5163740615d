// Calls to one shard go out at once while few messages are under way; beyond that they wait, and whichever message
// comes back takes all that have gathered along as one. So a lone caller waits for nobody, and many callers cost few
// messages, without any timer.
namespace Dmt.Client;

/// <summary>Puts concurrent calls together. Safe for concurrent use.</summary>
/// <param name="send">Sends calls, at least one; as many results, in order.</param>
/// <param name="bytesOf">What a call adds to a message.</param>
/// <param name="messagesMax">Messages under way.</param>
/// <param name="callsMax">Calls in a message.</param>
internal sealed class CallBatcher<TCall, TResult>(
    Func<TCall[], Task<TResult[]>> send, Func<TCall, int> bytesOf, int messagesMax, int callsMax)
{
    /// <summary>A message takes no more calls once it has so many bytes: Orleans refuses what is very large.</summary>
    private const int BytesMax = 4 << 20;

    private readonly Lock _lock = new(); // guards the fields below
    private readonly Queue<Waiting> _waiting = [];
    private int _underWay;

    public async ValueTask<TResult> CallAsync(TCall call, CancellationToken cancellationToken)
    {
        Waiting? waiting = null;
        lock (_lock)
        {
            if (_underWay < messagesMax)
            {
                _underWay++;
            }
            else
            {
                waiting = new Waiting(call, new());
                _waiting.Enqueue(waiting);
            }
        }

        if (waiting is not null)
        {
            return await waiting.Done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        try
        {
            var results = await send([call]).ConfigureAwait(false);
            return results[0];
        }
        finally
        {
            SendWaiting();
        }
    }

    /// <summary>A message has come back: the next one goes out, or none is under way in its place.</summary>
    private void SendWaiting()
    {
        var calls = new List<Waiting>();
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                _underWay--;
                return;
            }

            var bytes = 0;
            do
            {
                calls.Add(_waiting.Dequeue());
                bytes += bytesOf(calls[^1].Call);
            }
            while (calls.Count < callsMax && bytes < BytesMax && _waiting.Count > 0);
        }

        _ = SendAsync(calls);
    }

    /// <summary>Whatever comes of it goes to those who wait.</summary>
    private async Task SendAsync(List<Waiting> calls)
    {
        TResult[] results = [];
        Exception? error = null;
        try
        {
            results = await send([.. calls.Select(static call => call.Call)]).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            error = e;
        }

        // Last the next message goes out: those who went on have joined it by then.
        new Resumption(calls.Count + 1, Resume).Execute();

        void Resume(int i)
        {
            if (i == calls.Count)
            {
                SendWaiting();
            }
            else if (error is null)
            {
                calls[i].Done.TrySetResult(results[i]);
            }
            else
            {
                calls[i].Done.TrySetException(error);
            }
        }
    }

    private sealed record Waiting(TCall Call, TaskCompletionSource<TResult> Done);
}
