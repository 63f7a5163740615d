using Dmt.Core;

namespace Dmt.Hosting;

/// <summary>How a program ends that failed: one line on standard error, no stack trace, and an exit code.</summary>
/// <param name="program">What the line begins with.</param>
/// <param name="error">Standard error.</param>
/// <param name="environment">Where <c>DMT_DEBUG=1</c> asks for the stack trace as well.</param>
internal sealed class ProgramErrors(
    string program, TextWriter error, IReadOnlyDictionary<string, string> environment)
{
    /// <summary>When this environment variable is 1, errors come with their stack trace.</summary>
    private const string DebugVariable = "DMT_DEBUG";

    /// <summary>Writes the line.</summary>
    /// <param name="exception">What ended the program.</param>
    /// <param name="interrupted">Whether it was asked to end.</param>
    /// <returns>The exit code.</returns>
    public int Report(Exception exception, bool interrupted) => exception switch
    {
        DmtException e => Fail(e, e.Message, ExitCodes.For(e.Kind)),
        OperationCanceledException when interrupted => Fail(null, "interrupted", ExitCodes.Interrupted),
        IOException or UnauthorizedAccessException => Fail(exception, exception.Message, ExitCodes.Unavailable),
        _ => Fail(
            exception,
            $"{exception.GetType().Name}: {exception.Message} (this is a defect of {program}, {DebugVariable}=1 shows "
            + "where)",
            ExitCodes.Defect),
    };

    private int Fail(Exception? exception, string message, int exitCode)
    {
        error.WriteLine($"{program}: " + message.ReplaceLineEndings(" "));
        if (exception is not null && environment.GetValueOrDefault(DebugVariable) == "1")
        {
            error.WriteLine(exception);
        }

        return exitCode;
    }
}
