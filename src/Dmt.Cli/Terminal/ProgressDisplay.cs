using Spectre.Console;

namespace Dmt.Cli.Terminal;

/// <summary>
/// Shows how far a transfer is, once it takes longer than a second: a bar with rate and remaining time where standard
/// error is a terminal, a plain line every few seconds where it is not.
/// </summary>
internal static class ProgressDisplay
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Awaits <paramref name="work"/>, showing <paramref name="progress"/> meanwhile. Errors of the work come out as
    /// they are.
    /// </summary>
    public static async Task ShowAsync(CommandIo io, string title, TransferProgress progress, Task work)
    {
        var started = io.Time.GetTimestamp();
        if (!await EndsWithinAsync(io, work, Patience))
        {
            if (io.ErrorIsTerminal)
            {
                await ShowBarAsync(io, title, progress, work, started);
            }
            else
            {
                await ShowLinesAsync(io, title, progress, work, started);
            }
        }

        await work;
    }

    private static async Task ShowLinesAsync(
        CommandIo io, string title, TransferProgress progress, Task work, long started)
    {
        while (!await EndsWithinAsync(io, work, LineInterval))
        {
            var share = progress.Share is { } s ? FormattableString.Invariant($", {s:P0}") : string.Empty;
            await io.Error.WriteLineAsync($"dmt: {title}: {progress.Describe(io.Time.GetElapsedTime(started))}{share}");
        }
    }

    private static Task ShowBarAsync(CommandIo io, string title, TransferProgress progress, Task work, long started)
    {
        const int BarWidth = 30;
        var display = Tables.Console(io.Error, isTerminal: true).Progress().AutoClear(true).Columns(
            new ProgressBarColumn { Width = BarWidth }, new PercentageColumn(), new TaskDescriptionColumn());
        return display.StartAsync(async context =>
        {
            var task = context.AddTask(Markup.Escape(title), maxValue: 1);
            task.IsIndeterminate = progress.Share is null;
            bool ended;
            do
            {
                ended = await EndsWithinAsync(io, work, BarInterval);
                task.Value = progress.Share ?? 0;
                task.Description = Markup.Escape(progress.Describe(io.Time.GetElapsedTime(started)));
            }
            while (!ended);
        });
    }

    private static async Task<bool> EndsWithinAsync(CommandIo io, Task work, TimeSpan time)
    {
        using var ended = new CancellationTokenSource();
        var first = await Task.WhenAny(work, Task.Delay(time, io.Time, ended.Token));
        await ended.CancelAsync();
        return first == work;
    }
}
