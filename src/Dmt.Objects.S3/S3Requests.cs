// One way for all requests to the store:
//
//   call ── attempt ── failure? ── retryable and retries left? ── pause ── attempt ...
//              │
//              a place among the requests in flight, a count, a time limit
//
// An attempt holds its place until its answer is read to the end; a pause holds none. A call never waits for a second
// place while it holds one (a hedge that finds none free is not made), so that no bound on places can bring calls to a
// standstill.
using System.Diagnostics;
using System.Globalization;
using Dmt.Core;
using Dmt.Core.Diagnostics;
using Dmt.Engine.Objects;

namespace Dmt.Objects.S3;

/// <summary>
/// Makes requests: bounded in number and time, counted, and made again where that may help. Safe for concurrent use.
/// </summary>
internal sealed class S3Requests : IDisposable
{
    private static readonly ActivitySource Spans = new(DmtSpans.Objects);

    private readonly S3ObjectStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly Backoff _backoff;
    private readonly SemaphoreSlim _places;
    private readonly CancellationTokenSource _closing = new();

    public S3Requests(S3ObjectStoreOptions options, TimeProvider time, Random random)
    {
        (_options, _time) = (options, time);
        _backoff = new Backoff(random, options.RetryDelayFirst, options.RetryDelayMax);
        _places = new SemaphoreSlim(options.InFlightMax, options.InFlightMax);
    }

    public RequestCounts Counts { get; } = new();

    /// <summary>Makes a request until it succeeds, fails for good, or has been made often enough.</summary>
    /// <param name="call">What it is.</param>
    /// <param name="request">Makes the request once.</param>
    /// <param name="answers">Says of a failure that it is an answer, which the call then returns as default; or
    /// throws.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<T?> CallAsync<T>(
        S3Call call,
        Func<CancellationToken, Task<T>> request,
        Func<S3Failure, bool>? answers,
        CancellationToken cancellationToken)
    {
        for (var attempts = 1; ; attempts++)
        {
            var (answer, failure) = await TryAsync(call, request, cancellationToken).ConfigureAwait(false);
            if (failure is null || answers?.Invoke(failure) == true)
            {
                return answer;
            }

            if (!failure.Retryable || !MayRetry(attempts))
            {
                throw call.Failed(failure, attempts);
            }

            await PauseAsync(attempts, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Makes a request once. A DmtException that it throws is the call's, and passes through.</summary>
    public async Task<(T? Answer, S3Failure? Failure)> TryAsync<T>(
        S3Call call, Func<CancellationToken, Task<T>> request, CancellationToken cancellationToken)
    {
        using var span = Spans.StartActivity("dmt.object.request", ActivityKind.Client)
            ?.SetTag("dmt.request", call.Kind.ToString()).SetTag("dmt.what", call.What);
        using var limited = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        try
        {
            await _places.WaitAsync(linked.Token).ConfigureAwait(false);
            try
            {
                // The wait for a place does not count towards the limit.
                limited.CancelAfter(Limit(call));
                using var attempt = CancellationTokenSource.CreateLinkedTokenSource(linked.Token, limited.Token);
                Counts.Request(call.Kind, call.BytesUp);
                return (await request(attempt.Token).ConfigureAwait(false), null);
            }
            finally
            {
                _places.Release();
            }
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception) when (_closing.IsCancellationRequested)
        {
            throw DmtException.Closed(_options.Location.ToString());
        }
        catch (Exception e) when (limited.IsCancellationRequested && e is not DmtException)
        {
            span.Failed(e);
            return (default, S3Failure.Of(new TimeoutException(
                string.Create(CultureInfo.InvariantCulture, $"no answer within {Limit(call).TotalSeconds:0.###} s"),
                e)));
        }
        catch (Exception e) when (e is not DmtException)
        {
            span.Failed(e);
            return (default, S3Failure.Of(e));
        }
    }

    /// <summary>A place for one more request, where one is free now. <see cref="LeavePlace"/> gives it back.</summary>
    public bool TryTakePlace() => _places.Wait(0);

    public void LeavePlace() => _places.Release();

    public bool MayRetry(int attempts) => attempts <= _options.RetriesMax;

    /// <summary>Waits before the next attempt, and counts it.</summary>
    public async Task PauseAsync(int attempts, CancellationToken cancellationToken)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        try
        {
            await Task.Delay(_backoff.Pause(attempts - 1), _time, linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw DmtException.Closed(_options.Location.ToString());
        }

        Counts.Retry();
    }

    /// <summary>Ends all calls with Closed.</summary>
    public void Close() => _closing.Cancel();

    public void Dispose()
    {
        Close();
        Counts.Dispose();
    }

    private TimeSpan Limit(S3Call call) =>
        _options.RequestTimeout + TimeSpan.FromSeconds((double)(call.BytesUp + call.BytesDown) / (1 << 20));
}
