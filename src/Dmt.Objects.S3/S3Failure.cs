// What an attempt's failure means. Three questions are answered here and nowhere else:
//
//   retryable   may it go better next time?   No answer, 408, 429, every 5xx but 501, 409 (a conflicting operation goes
//               on), and a body that S3 waited for in vain (400 RequestTimeout). Not: wrong or missing credentials, no
//               permission, no such bucket, the wrong region, a clock that is off, a malformed request. They need a
//               person.
//   ambiguous   may it have taken effect?     No answer and every 5xx but 501, whatever Amazon says of single codes:
//               between here and the store there may be proxies that answer for it. Every other answer says that it has
//               not.
//   advice      what the person should look at.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;

namespace Dmt.Objects.S3;

/// <summary>Why an attempt at a request failed.</summary>
/// <param name="Status">The HTTP status; 0 where there was no answer.</param>
/// <param name="Code">S3's code for the error; empty where there is none.</param>
/// <param name="Text">What was seen, for people.</param>
/// <param name="Retryable">The same request may succeed later.</param>
/// <param name="Ambiguous">The request may have taken effect.</param>
/// <param name="Cause">The SDK's exception.</param>
internal sealed record S3Failure(int Status, string Code, string Text, bool Retryable, bool Ambiguous, Exception Cause)
{
    private const string NoAnswer = "no answer";

    /// <summary>What this exception of the SDK, or of reading its answer, says of the store.</summary>
    public static S3Failure Of(Exception e) => e switch
    {
        AmazonServiceException { StatusCode: not 0 } answer => OfAnswer(answer),
        TimeoutException => Silence(e.Message, e),
        HttpRequestException or IOException or SocketException or AmazonUnmarshallingException
            => Silence($"{NoAnswer}: {Innermost(e)}", e),
        OperationCanceledException => Silence($"{NoAnswer}: the connection was given up", e),
        AmazonClientException or AmazonServiceException when Connection(e) is { } connection
            => Silence($"{NoAnswer}: {Innermost(connection)}", e),
        AmazonClientException when e.Message.Contains("credential", StringComparison.OrdinalIgnoreCase)
            => new S3Failure(0, "", NoCredentials(e), false, false, e),
        _ => new S3Failure(0, "", $"the answer was not understood: {Innermost(e)}", false, true, e),
    };

    private static string NoCredentials(Exception e) =>
        e.Message.ReplaceLineEndings(" ")
        + " - expected an access key, the environment, a profile or a role of this machine";

    private static S3Failure Silence(string text, Exception e) => new(0, "", text, true, true, e);

    private static S3Failure OfAnswer(AmazonServiceException e)
    {
        var status = (int)e.StatusCode;
        var code = e.ErrorCode is { Length: > 0 } given && given != e.StatusCode.ToString() ? given : "";
        // Some answers begin with 200, before the work is done, and end with an error.
        var failed = (status >= 500 && e.StatusCode != HttpStatusCode.NotImplemented)
            || code is "InternalError" or "ServiceUnavailable" or "SlowDown";
        var retryable = failed || e.StatusCode is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
            or HttpStatusCode.Conflict || code == "RequestTimeout";
        string[] parts = [status.ToString(CultureInfo.InvariantCulture), code, $"({e.Message})", Advice(status, code)];
        var text = string.Join(' ', parts.Where(part => part.Length > 0));
        return new S3Failure(status, code, text, retryable, failed, e);
    }

    private static string Advice(int status, string code) => code switch
    {
        "NoSuchBucket" => "- create the bucket first, or name another",
        "InvalidAccessKeyId" or "SignatureDoesNotMatch" or "InvalidToken" or "ExpiredToken" or "InvalidSecurity"
            => "- check the credentials: access key, secret and session token",
        "RequestTimeTooSkewed" => "- set this machine's clock: it differs from the store's",
        "PermanentRedirect" or "AuthorizationHeaderMalformed" or "TemporaryRedirect"
            or "IllegalLocationConstraintException"
            => "- check the region and the endpoint: the bucket is elsewhere",
        _ when status is 301 or 307 => "- check the region and the endpoint: the bucket is elsewhere",
        _ when status is 401 or 403 || code == "AccessDenied"
            => "- check the credentials and their permissions: docs/s3.md lists what is needed",
        _ => "",
    };

    /// <summary>The network's failure inside the SDK's, where that is what happened.</summary>
    private static Exception? Connection(Exception? e)
    {
        while (e is not null
            and not (HttpRequestException or IOException or SocketException or OperationCanceledException))
        {
            e = e.InnerException;
        }

        return e;
    }

    private static string Innermost(Exception e) => e.InnerException is { } inner ? Innermost(inner) : e.Message;
}
