namespace Dmt.Api.Errors;

/// <summary>
/// An answer that is an error of HTTP rather than of the store, or one with more to say than its message.
/// </summary>
internal sealed class HttpProblemException(int status, string kind, string message, Exception? inner = null)
    : Exception(message, inner)
{
    public int Status => status;

    public string Kind => kind;

    /// <summary>Further members of the problem, all whole numbers.</summary>
    public IReadOnlyList<KeyValuePair<string, long>> Members { get; init; } = [];

    public static HttpProblemException NoSuchAddress() =>
        new(404, "NotFound", "there is no such address; see /openapi/v1.json");
}
