using System.Net;
using System.Net.Sockets;
using Dmt.Hosting;

namespace Dmt.Cli.Tests;

/// <summary><c>dmt serve</c> inside this process, over a model store.</summary>
public sealed class ServeTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Print_config_shows_values_and_their_sources()
    {
        var file = _cli.Folder.File("my.json", """{"cache_size": "64MB"}""");
        _cli.Environment["DMT__PORT"] = "4001";
        var text =
            (await _cli.RunAsync("serve", "--config", file, "--fsync", "every 50ms", "--print-config")).AssertOk().Text;
        AssertRow(text, "port", "4001", "the environment (DMT__PORT)");
        AssertRow(text, "cache_size", "64000000", "my.json");
        AssertRow(text, "fsync", "every 50ms", "the flag --fsync");
        AssertRow(text, "host", "localhost", "default");

        // What is printed as JSON is a configuration file that says the same.
        var json = (await _cli.RunAsync("serve", "--config", file, "--print-config", "--json")).AssertOk().Text;
        var again = (await _cli.RunAsync(
            "serve", "--config", _cli.Folder.File("again.json", json), "--print-config", "--json")).AssertOk();
        Assert.Equal(json, again.Text);
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_and_exit_code_3()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var error = (await _cli.RunAsync("serve", "--data", _cli.Data, "--host", "127.0.0.1", "--port", $"{port}"))
            .AssertFailed(ExitCodes.Unavailable);
        Assert.Equal(
            $"dmt: port {port} on 127.0.0.1 is in use: stop what listens there, or choose another with --port", error);
    }

    [Fact]
    public async Task Being_asked_to_stop_ends_with_exit_code_0_after_running_requests_finished()
    {
        using var stop = new CancellationTokenSource();
        var requestRuns = new TaskCompletionSource();
        var letItFinish = new TaskCompletionSource();
        _cli.Wrap = store => new Gate(store, requestRuns, letItFinish);
        using var output = new LineStream();
        var error = new StringWriter();
        var arguments = new[] { "serve", "--data", _cli.Data, "--port", "0", "--log-level", "none" };
        var serving = DmtProgram.RunAsync(arguments, _cli.Io([], output, error), stop.Token);
        var url =
            (await output.FirstLine).Split(' ').Single(word => word.StartsWith("http://", StringComparison.Ordinal));

        using var client = new HttpClient();
        var request = client.PostAsync(new Uri(url + "/api/v1/sync"), null);
        await requestRuns.Task;
        await stop.CancelAsync();
        letItFinish.SetResult();
        using var response = await request;
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal(ExitCodes.Ok, await serving);
        Assert.Equal(string.Empty, error.ToString());
    }

    private static void AssertRow(string table, string name, string value, string source) => Assert.Contains(
        table.Split('\n'),
        line => line.Split('│') is [_, var n, var v, var s, ..]
            && n.Trim() == name && v.Trim() == value && s.Trim().EndsWith(source, StringComparison.Ordinal));

    private sealed class Gate(Core.ITrieStore inner, TaskCompletionSource entered, TaskCompletionSource leave)
        : ForwardingStore(inner)
    {
        public override async ValueTask SyncAsync(CancellationToken cancellationToken = default)
        {
            entered.SetResult();
            await leave.Task;
            await base.SyncAsync(cancellationToken);
        }
    }

    /// <summary>Completes a task with the first line that is written.</summary>
    private sealed class LineStream : MemoryStream
    {
        private readonly TaskCompletionSource<string> _firstLine =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> FirstLine => _firstLine.Task;

        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await base.WriteAsync(buffer, cancellationToken);
            Look();
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            base.Write(buffer, offset, count);
            Look();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            base.Write(buffer);
            Look();
        }

        private void Look()
        {
            var text = System.Text.Encoding.UTF8.GetString(ToArray());
            if (text.Contains('\n', StringComparison.Ordinal))
            {
                _firstLine.TrySetResult(text.Split('\n')[0]);
            }
        }
    }
}
