using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Dmt.Testing;

/// <summary>A running server, <c>dmt serve</c> or <c>dmt-silo</c>. Disposing it kills it, if it still runs.</summary>
public sealed partial class ServerProcess : IDisposable
{
    public const int SigInt = 2;
    public const int SigTerm = 15;

    private readonly Process _process;

    private ServerProcess(Process process, string announcement, Task<string> errors)
    {
        (_process, Announcement, Errors) = (process, announcement, errors);
        Rest = process.StandardOutput.ReadToEndAsync();
        Url = announcement.Split(' ').Single(word => word.StartsWith("http://", StringComparison.Ordinal));
        Client = new() { BaseAddress = new Uri(Url) };
    }

    /// <summary>The line that it prints when it is ready.</summary>
    public string Announcement { get; }

    /// <summary>What it says on standard output after that; complete once it has ended.</summary>
    public Task<string> Rest { get; }

    /// <summary>All that it says on standard error; complete once it has ended.</summary>
    public Task<string> Errors { get; }

    public string Url { get; }

    public HttpClient Client { get; }

    /// <summary>Starts one and waits until it is ready.</summary>
    public static async Task<ServerProcess> StartAsync(ProcessStartInfo start)
    {
        var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var line = await process.StandardOutput.ReadLineAsync();
        if (line is null)
        {
            Assert.Fail($"the server did not start: {await errors}");
        }

        return new(process, line, errors);
    }

    /// <summary>Sends a signal.</summary>
    public void Signal(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    /// <summary>Sends a signal and waits for the end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> StopAsync(int signal)
    {
        Signal(signal);
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    /// <summary>SIGKILL; returns when the process is gone.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        Client.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
