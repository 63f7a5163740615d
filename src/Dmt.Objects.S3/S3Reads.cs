// Reads, made a second time where the first is slow (HedgePolicy says when). What races is the wait for an answer,
// which is where an object store is slow; whoever answers first is read to the end, and the other is cancelled before a
// byte of it is taken, so that two answers never write into one buffer. A failure that may be retried is no answer
// while the other request is under way.
using Amazon.S3;
using Amazon.S3.Model;
using Dmt.Engine.Objects;

namespace Dmt.Objects.S3;

/// <summary>Gets of objects and of ranges, hedged. Safe for concurrent use.</summary>
internal sealed class S3Reads(IAmazonS3 client, S3Requests requests, S3ObjectStoreOptions options, TimeProvider time)
{
    private readonly IAmazonS3 _client = client;
    private readonly S3Requests _requests = requests;
    private readonly TimeProvider _time = time;
    private readonly HedgePolicy _policy = new(options);

    /// <summary>Sends a get and reads its answer.</summary>
    /// <param name="call">What it counts as.</param>
    /// <param name="request">Makes the request; called once for each time that it is sent.</param>
    /// <param name="read">Takes the answer, to the end.</param>
    /// <param name="answers">Says of a failure that it is an answer, which this then returns as default; or
    /// throws.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task<T?> GetAsync<T>(
        S3Call call,
        Func<GetObjectRequest> request,
        Func<GetObjectResponse, CancellationToken, Task<T>> read,
        Func<S3Failure, bool> answers,
        CancellationToken cancellationToken) =>
        _requests.CallAsync(call, async attempt =>
        {
            var race = new Race(this, call.Kind, request, attempt);
            await using (race.ConfigureAwait(false))
            {
                return await read(await race.FirstAsync().ConfigureAwait(false), attempt).ConfigureAwait(false);
            }
        }, answers, cancellationToken);

    /// <summary>One attempt: a request and, it may be, a second one for the same.</summary>
    private sealed class Race(
        S3Reads reads, RequestKind kind, Func<GetObjectRequest> request, CancellationToken attempt)
        : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stopFirst = CancellationTokenSource.CreateLinkedTokenSource(attempt);
        private readonly CancellationTokenSource _stopSecond = CancellationTokenSource.CreateLinkedTokenSource(attempt);
        private Task<GetObjectResponse>? _first;
        private Task<GetObjectResponse>? _second;

        public async Task<GetObjectResponse> FirstAsync()
        {
            var began = reads._time.GetTimestamp();
            _first = reads._client.GetObjectAsync(request(), _stopFirst.Token);
            var winner = await SlowAsync().ConfigureAwait(false) && TryHedge()
                ? await WinnerAsync(_first, _second!).ConfigureAwait(false)
                : _first;
            try
            {
                return await winner.ConfigureAwait(false);
            }
            finally
            {
                reads._policy.Observe(reads._time.GetElapsedTime(began));
                if (_second is not null)
                {
                    await (winner == _first ? _stopSecond : _stopFirst).CancelAsync().ConfigureAwait(false);
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            if (_second is not null)
            {
                await _stopFirst.CancelAsync().ConfigureAwait(false);
                await _stopSecond.CancelAsync().ConfigureAwait(false);
                await DiscardAsync(_second).ConfigureAwait(false);
                reads._requests.LeavePlace();
            }

            if (_first is not null)
            {
                await DiscardAsync(_first).ConfigureAwait(false);
            }

            _stopFirst.Dispose();
            _stopSecond.Dispose();
        }

        private async Task<bool> SlowAsync()
        {
            if (!reads._policy.Enabled)
            {
                return false;
            }

            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(attempt);
            var delay = Task.Delay(reads._policy.Delay, reads._time, waiting.Token);
            var slow = await Task.WhenAny(_first!, delay).ConfigureAwait(false) == delay
                && !attempt.IsCancellationRequested;
            await waiting.CancelAsync().ConfigureAwait(false);
            return slow;
        }

        private bool TryHedge()
        {
            if (!reads._requests.TryTakePlace())
            {
                return false;
            }

            if (!reads._policy.TryTake())
            {
                reads._requests.LeavePlace();
                return false;
            }

            reads._requests.Counts.Request(kind);
            reads._requests.Counts.Hedge();
            _second = reads._client.GetObjectAsync(request(), _stopSecond.Token);
            return true;
        }

        private static async Task<Task<GetObjectResponse>> WinnerAsync(
            Task<GetObjectResponse> first, Task<GetObjectResponse> second)
        {
            var winner = await Task.WhenAny(first, second).ConfigureAwait(false);
            if (!IsRetryable(winner))
            {
                return winner;
            }

            var other = winner == first ? second : first;
            await Task.WhenAny(other).ConfigureAwait(false);
            return other;
        }

        private static bool IsRetryable(Task answer) =>
            answer.IsCanceled || (answer.Exception is { } e && S3Failure.Of(e.InnerException!).Retryable);

        /// <summary>Lets go of an answer, or of the failure that the caller has been told or has no use for.</summary>
        private static async Task DiscardAsync(Task<GetObjectResponse> answer)
        {
            await Task.WhenAny(answer).ConfigureAwait(false);
            if (answer.IsCompletedSuccessfully)
            {
                (await answer.ConfigureAwait(false)).Dispose();
            }
            else
            {
                _ = answer.Exception;
            }
        }
    }
}
