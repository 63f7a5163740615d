using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Dmt.Cli.Tests;

/// <summary>The real program in processes of its own, over the real engine.</summary>
public sealed partial class ProcessTests : IDisposable
{
    private const int SigTerm = 15;
    private const int SigInt = 2;
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(SigTerm)]
    [InlineData(SigInt)]
    public async Task Serve_is_ready_keeps_what_was_put_and_ends_on_a_signal_with_0(int signal)
    {
        using (var server = await StartServerAsync())
        {
            using var ready = await server.Client.GetAsync("/readyz");
            Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
            Assert.Equal(0, (await RunAsync("put", "k", "kept", "--url", server.Url)).ExitCode);
            Assert.Equal(0, await server.StopAsync(signal));
        }

        var (exitCode, output, _) = await RunAsync("get", "k", "--data", _folder.Combine("data"));
        Assert.Equal((0, "kept"), (exitCode, output));
        using (var server = await StartServerAsync())
        {
            Assert.Equal("kept", await server.Client.GetStringAsync("/kv/k"));
            Assert.Equal(0, await server.StopAsync(signal));
        }
    }

    [Fact]
    public async Task A_folder_in_use_is_one_line_and_exit_code_3()
    {
        using var server = await StartServerAsync();
        foreach (var arguments in (string[][])[["serve", "--port", "0"], ["get", "k"], ["put", "k", "v"]])
        {
            var (exitCode, output, error) = await RunAsync([.. arguments, "--data", _folder.Combine("data")]);
            Assert.Equal((3, string.Empty), (exitCode, output));
            var line = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.Contains("data", line, StringComparison.Ordinal);
            Assert.Contains("another process", line, StringComparison.Ordinal);
        }

        Assert.Equal(0, await server.StopAsync(SigTerm));
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_and_exit_code_3_on_localhost_too()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var (exitCode, _, error) = await RunAsync("serve", "--data", _folder.Combine("data"), "--port", $"{port}");
        Assert.Equal(3, exitCode);
        Assert.Equal(
            $"dmt: port {port} on localhost is in use: stop what listens there, or choose another with --port\n",
                error);
    }

    [Fact]
    public async Task Config_json_of_the_current_folder_and_the_environment_are_read()
    {
        _folder.File("config.json", """{"port": 70000}""");
        var (exitCode, _, error) = await RunAsync("serve");
        Assert.Equal((2, "dmt: port from config.json is \"70000\": expected a whole number from 0 to 65535\n"), (
            exitCode, error));
        File.Delete(_folder.Combine("config.json"));
        (exitCode, _, error) = await RunAsync(start => start.Environment["DMT__COLOUR"] = "red", "serve");
        Assert.Equal(2, exitCode);
        Assert.StartsWith("dmt: unknown setting colour in the environment (DMT__COLOUR); the settings are ", error,
            StringComparison.Ordinal);
    }

    private Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments) =>
        RunAsync(_ => { }, arguments);

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(
        Action<ProcessStartInfo> configure, params string[] arguments)
    {
        var start = StartInfo(arguments);
        configure(start);
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    private async Task<ServerProcess> StartServerAsync()
    {
        var process = Process.Start(StartInfo("serve", "--data", _folder.Combine("data"), "--port", "0"))!;
        var errors = process.StandardError.ReadToEndAsync();
        var line = await process.StandardOutput.ReadLineAsync();
        if (line is null)
        {
            Assert.Fail($"the server did not start: {await errors}");
        }

        var url = line.Split(' ').Single(word => word.StartsWith("http://", StringComparison.Ordinal));
        return new(process, url);
    }

    private ProcessStartInfo StartInfo(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "dmt.dll"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder.Path,
        };
        start.Environment.Remove("DMT_URL");
        return start;
    }

    private sealed partial class ServerProcess(Process process, string url) : IDisposable
    {
        public string Url => url;

        public HttpClient Client { get; } = new() { BaseAddress = new Uri(url) };

        public async Task<int> StopAsync(int signal)
        {
            Assert.Equal(0, Kill(process.Id, signal));
            await process.WaitForExitAsync();
            return process.ExitCode;
        }

        public void Dispose()
        {
            Client.Dispose();
            if (!process.HasExited)
            {
                process.Kill();
                process.WaitForExit();
            }

            process.Dispose();
        }

        [LibraryImport("libc", EntryPoint = "kill")]
        private static partial int Kill(int process, int signal);
    }
}
