using System.Text.RegularExpressions;
using Azure;

namespace Dmt.Grains.AzureStorage;

/// <summary>What Azure's SDK throws, for people.</summary>
public static partial class AzureStorageFailure
{
    /// <summary>One line that says what is wrong with the storage; null where something else is.</summary>
    /// <remarks>The SDK says it with all headers of the answer, or once for each attempt.</remarks>
    public static string? Explain(Exception error) => error switch
    {
        RequestFailedException { Status: not 0 } answer =>
            $"Azure's storage refuses with {answer.Status}{CodeOf(answer)}: {FirstLine(answer.Message)}",
        RequestFailedException => $"Azure's storage cannot be reached: {FirstLine(error.Message)}",

        // After the last attempt. One that took too long is no failed request, but a task that was cancelled.
        AggregateException { Source: "Azure.Core", InnerExceptions: [.., var last] } =>
            Explain(last) ?? "Azure's storage does not answer",
        AggregateException many => many.InnerExceptions.Select(Explain).FirstOrDefault(static text => text is not null),
        _ => error.InnerException is { } inner ? Explain(inner) : null,
    };

    /// <summary>The SDK reads it from the answer to a request for blobs, not to one for tables.</summary>
    private static string CodeOf(RequestFailedException answer)
    {
        var code = answer.ErrorCode ?? Code().Match(answer.Message).Groups["code"].Value;
        return code.Length > 0 ? $" {code}" : "";
    }

    private static string FirstLine(string text) => text.Split('\n', 2)[0].Trim();

    [GeneratedRegex(@"(?:<Code>|ErrorCode: |""code"":"")(?<code>\w+)")]
    private static partial Regex Code();
}
