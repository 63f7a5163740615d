using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Dmt.Hosting.Serving;

/// <summary>The log of a server: one line an event on standard error, times in UTC.</summary>
internal static class ServerLog
{
    /// <param name="logging">Where it is configured.</param>
    /// <param name="least">The least that is logged; of the frameworks at least warnings.</param>
    /// <param name="frameworkLogs">
    /// False keeps the frameworks silent: an error at the start is told once, in one line, by the program.
    /// </param>
    public static void Configure(ILoggingBuilder logging, LogLevel least, Func<bool> frameworkLogs)
    {
        logging.SetMinimumLevel(least);
        var frameworkLevel = least > LogLevel.Warning ? least : LogLevel.Warning;

        // Polly: Orleans tries with it to place a grain, and it tells of each attempt, also where all is well.
        foreach (var framework in new[] { "Microsoft", "Orleans", "Polly" })
        {
            logging.AddFilter(framework, level => level >= frameworkLevel && frameworkLogs());
        }

        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        });
        logging.Services.Configure<ConsoleLoggerOptions>(
            console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
