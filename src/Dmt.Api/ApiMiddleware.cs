using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Dmt.Api.Errors;
using Dmt.Api.Metrics;
using Dmt.Api.Requests;
using Dmt.Core;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Dmt.Api;

/// <summary>
/// Stands around everything, routing included: takes keys out of routing's sight, refuses what is too much, turns every
/// error into a problem, and counts and times what happened.
/// </summary>
internal sealed class ApiMiddleware(
    ApiOptions options, ITrieStore store, HttpMetrics metrics, ILogger<ApiMiddleware> logger)
{
    /// <summary>
    /// Longest request line and most header bytes that are answered with a problem; the server itself cuts off at the
    /// double.
    /// </summary>
    public const int TargetCharsMax = 8 << 10;

    public const int HeaderCharsMax = 32 << 10;

    /// <summary>
    /// On answers of a read replica: milliseconds since it was last known to have all that its main had.
    /// </summary>
    public const string LagHeader = "X-Dmt-Lag-Ms";

    private const int ClientClosedRequest = 499;

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var started = Stopwatch.GetTimestamp();
        var inFlight = metrics.Begin();
        var wentAway = false;
        Endpoint? endpoint = null;
        try
        {
            Admit(context, inFlight);
            KeyPath.HideFromRouting(context);
            if (store is IRoleStore { Lag: { Milliseconds: { } lag } })
            {
                context.Response.Headers[LagHeader] = lag.ToString(CultureInfo.InvariantCulture);
            }

            await next(context);
            endpoint = context.GetEndpoint();
            if (context.Response.StatusCode >= 400 && !context.Response.HasStarted)
            {
                await Problems.WriteStatusAsync(context, context.Response.StatusCode);
            }
        }
        catch (Exception e) when (IsAbort(context, e))
        {
            wentAway = true;
        }
        catch (Exception e)
        {
            endpoint = context.GetEndpoint();
            await AnswerAsync(context, e);
        }
        finally
        {
            metrics.End(
                context,
                endpoint ?? context.GetEndpoint(),
                started,
                wentAway ? ClientClosedRequest : context.Response.StatusCode);
        }
    }

    private void Admit(HttpContext context, long inFlight)
    {
        var request = context.Request;
        if (inFlight > options.ConcurrencyMax && request.Path.Value is not ("/healthz" or "/readyz" or "/metrics"))
        {
            metrics.Refuse();
            throw DmtException.Unavailable($"{options.ConcurrencyMax} requests are in flight already: try again");
        }

        if (context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Length > TargetCharsMax)
        {
            throw new HttpProblemException(414, "TooLarge", $"the address has more than {TargetCharsMax} characters");
        }

        var headerChars = 0;
        foreach (var (name, values) in request.Headers)
        {
            headerChars += name.Length + values.ToString().Length;
        }

        if (headerChars > HeaderCharsMax)
        {
            throw new HttpProblemException(431, "TooLarge", $"the headers have more than {HeaderCharsMax} characters");
        }

        // A page of another site, open in a browser that can reach this server, must not write here.
        if (!HttpMethods.IsGet(request.Method) && request.Headers["Sec-Fetch-Site"] == "cross-site")
        {
            throw new HttpProblemException(403, "Forbidden", "requests from pages of other sites are refused");
        }
    }

    private static bool IsAbort(HttpContext context, Exception e) =>
        e is ConnectionResetException
        || (context.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException);

    private async Task AnswerAsync(HttpContext context, Exception e)
    {
        if (context.Response.HasStarted)
        {
            logger.LogError(
                e, "{Method} {Path} failed after its answer had begun", context.Request.Method, context.Request.Path);
            context.Abort();
            return;
        }

        context.Response.Clear();
        switch (e)
        {
            case DmtException error:
                LogIfGrave(context, error);
                await Problems.WriteAsync(context, error);
                break;
            case HttpProblemException problem:
                await Problems.WriteAsync(context, problem.Status, problem.Kind, problem.Message, problem.Members);
                break;
            case JsonException json:
                await Problems.WriteAsync(context, JsonText.Malformed(json));
                break;
            case BadHttpRequestException bad:
                var kind = bad.StatusCode == StatusCodes.Status413PayloadTooLarge ? "TooLarge" : "InvalidArgument";
                await Problems.WriteAsync(context, bad.StatusCode, kind, bad.Message, []);
                break;
            default:
                logger.LogError(e, "{Method} {Path} failed", context.Request.Method, context.Request.Path);
                await Problems.WriteAsync(
                    context, 500, "Internal", "the request failed; the log of the server says why", []);
                break;
        }
    }

    private void LogIfGrave(HttpContext context, DmtException e)
    {
        // A fence is told once, by the server, not with each request.
        if (e.Kind == DmtErrorKind.Corruption)
        {
            logger.LogError(e, "{Method} {Path}: {Kind}", context.Request.Method, context.Request.Path, e.Kind);
        }
    }
}
