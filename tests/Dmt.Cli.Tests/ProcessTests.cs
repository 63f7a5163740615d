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
    public async Task A_reader_that_has_seen_enough_ends_the_program_quietly()
    {
        var words = string.Concat(Enumerable.Range(0, 200_000).Select(i => $"word-{i}\n"));
        var import = await RunAsync(
            "import", "words", _folder.File("words", words), "--data", _folder.Combine("data"));
        Assert.Equal(0, import.ExitCode);
        using var process = Process.Start(StartInfo("scan", "--data", _folder.Combine("data")))!;
        Assert.Equal("word-0\t", await process.StandardOutput.ReadLineAsync());
        process.StandardOutput.Close();
        Assert.Equal(string.Empty, await process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task A_full_disk_is_an_error_and_a_link_stays_a_link()
    {
        // Through a link: a defect here may then replace the link, and never the device of this machine.
        var full = _folder.Combine("full");
        File.CreateSymbolicLink(full, "/dev/full");
        Assert.Equal(0, (await RunAsync("put", "k", "v", "--data", _folder.Combine("data"))).ExitCode);
        var (exitCode, _, error) = await RunAsync("export", full, "--data", _folder.Combine("data"));
        Assert.Equal(3, exitCode);
        var line = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("dmt: ", line, StringComparison.Ordinal);
        Assert.Equal("/dev/full", new FileInfo(full).LinkTarget);

        // Standard output too.
        var program = Path.Combine(AppContext.BaseDirectory, "dmt.dll");
        var start = StartInfo();
        (start.FileName, start.Arguments) = ("bash", string.Empty);
        start.ArgumentList.Clear();
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add($"dotnet '{program}' scan --data data > /dev/full");
        using var process = Process.Start(start)!;
        Assert.Equal("dmt: No space left on device\n", await process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.Equal(3, process.ExitCode);
    }

    [Fact]
    public async Task An_export_goes_into_a_pipe_and_does_not_replace_it()
    {
        var pipe = _folder.Combine("pipe");
        using (var mkfifo = Process.Start("mkfifo", [pipe]))
        {
            await mkfifo.WaitForExitAsync();
        }

        Assert.Equal(0, (await RunAsync("put", "k", "v", "--data", _folder.Combine("data"))).ExitCode);
        using var reader = Process.Start(new ProcessStartInfo("cat", [pipe]) { RedirectStandardOutput = true })!;
        try
        {
            Assert.Equal(0, (await RunAsync("export", pipe, "--data", _folder.Combine("data"))).ExitCode);
            Assert.Equal(0, new FileInfo(pipe).Length);
            Assert.Equal("{\"key\":\"k\",\"value\":\"v\"}\n", await reader.StandardOutput.ReadToEndAsync());
        }
        finally
        {
            reader.Kill();
        }
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
