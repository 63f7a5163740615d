using System.Diagnostics;

namespace Dmt.Testing;

/// <summary>The real program in processes of its own. The test project references Dmt.Cli, which lays it beside the
/// tests.</summary>
/// <param name="folder">The current folder of every process; a server's store is its folder <c>data</c>.</param>
public sealed class BuiltProgram(string folder)
{
    /// <summary>The built program, for those who start it in a way of their own.</summary>
    public static string Assembly { get; } = Path.Combine(AppContext.BaseDirectory, "dmt.dll");

    public string DataFolder { get; } = Path.Combine(folder, "data");

    /// <summary>Runs it to its end, with nothing on standard input.</summary>
    public Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments) =>
        RunAsync(_ => { }, arguments);

    public async Task<(int ExitCode, string Output, string Error)> RunAsync(
        Action<ProcessStartInfo> configure, params string[] arguments)
    {
        var start = StartInfo(arguments);
        configure(start);
        return await RunAsync(start);
    }

    /// <summary>Runs any program to its end, with nothing on standard input.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(ProcessStartInfo start)
    {
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    /// <summary>Starts a server on a free port over <see cref="DataFolder"/>; it is ready on return.</summary>
    public Task<ServerProcess> ServeAsync(params string[] arguments) =>
        ServerProcess.StartAsync(StartInfo(["serve", "--data", DataFolder, "--port", "0", .. arguments]));

    public ProcessStartInfo StartInfo(params string[] arguments) =>
        Isolated(new ProcessStartInfo("dotnet", [Assembly, .. arguments]));

    /// <summary>The same folder, pipes and environment for another program.</summary>
    public ProcessStartInfo Isolated(ProcessStartInfo start)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.WorkingDirectory = folder;
        start.Environment.Remove("DMT_URL");

        // Where imports remember how far they came: not in the home of whoever runs the tests.
        start.Environment["XDG_STATE_HOME"] = Path.Combine(folder, "state");
        return start;
    }
}
