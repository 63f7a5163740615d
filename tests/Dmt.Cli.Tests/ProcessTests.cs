using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Dmt.Cli.Tests;

/// <summary>The real program in processes of its own, over the real engine.</summary>
public sealed class ProcessTests : IDisposable
{
    private const int SigTerm = ServerProcess.SigTerm;
    private const int SigInt = ServerProcess.SigInt;
    private readonly TempFolder _folder = new();

    private BuiltProgram Program => new(_folder.Path);

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
        using var process = Process.Start(Program.StartInfo("scan", "--data", _folder.Combine("data")))!;
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
        var start = Program.StartInfo();
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
    public async Task Inspect_finds_an_intact_store_intact_and_a_flipped_byte_with_exit_code_4()
    {
        Assert.Equal(0, (await RunAsync("put", "k", "v", "--data", _folder.Combine("data"))).ExitCode);
        var (exitCode, output, error) = await RunAsync("inspect", "data");
        Assert.Equal((0, string.Empty), (exitCode, error));
        Assert.Contains("\nverdict: intact, 1 shard, 1 table of ", output, StringComparison.Ordinal);

        var table = Assert.Single(Directory.GetFiles(_folder.Combine("data"), "*.table", SearchOption.AllDirectories));
        (exitCode, output, _) = await RunAsync("inspect", table, "--entries");
        Assert.Equal(0, exitCode);
        Assert.Contains("\"k\" at 1: put, 1 byte", output, StringComparison.Ordinal);

        var bytes = await File.ReadAllBytesAsync(table);
        bytes[0] ^= 1;
        await File.WriteAllBytesAsync(table, bytes);
        (exitCode, output, error) = await RunAsync("inspect", "data");
        Assert.Equal((4, string.Empty), (exitCode, error));
        Assert.Contains("\nDAMAGED ", output, StringComparison.Ordinal);
        Assert.Contains("is damaged at offset 0: the checksum of the data block is wrong", output,
            StringComparison.Ordinal);

        (exitCode, _, error) = await RunAsync("inspect", _folder.File("notes", "no store"));
        Assert.Equal(2, exitCode);
        Assert.EndsWith("notes is no table, manifest or log segment of DMT\n", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Config_json_of_the_current_folder_and_the_environment_are_read()
    {
        _folder.File("config.json", """{"port": 70000}""");
        var (exitCode, _, error) = await RunAsync("serve");
        Assert.Equal((2, "dmt: port from config.json is \"70000\": expected a whole number from 0 to 65535\n"), (
            exitCode, error));
        File.Delete(_folder.Combine("config.json"));
        (exitCode, _, error) = await Program.RunAsync(
            start => start.Environment["DMT__COLOUR"] = "red", "serve");
        Assert.Equal(2, exitCode);
        Assert.StartsWith("dmt: unknown setting colour in the environment (DMT__COLOUR); the settings are ", error,
            StringComparison.Ordinal);
    }

    private Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments) =>
        Program.RunAsync(arguments);

    private Task<ServerProcess> StartServerAsync() => Program.ServeAsync();
}
