using System.Net;

namespace Dmt.Silo.Tests;

/// <summary>A silo for development: alone, over a folder.</summary>
public sealed class SingleSiloTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(ServerProcess.SigTerm)]
    [InlineData(ServerProcess.SigInt)]
    public async Task It_serves_a_folder_ends_cleanly_and_goes_on_where_it_ended(int signal)
    {
        var port = FreePorts.Take(1)[0];
        using (var silo = await ServerProcess.StartAsync(TestSilo.StartInfo(_folder.Path, port, "--name", "dev")))
        {
            Assert.Contains(" as dev (127.0.0.1:", silo.Announcement, StringComparison.Ordinal);
            using var written = await silo.Client.PutAsync("/kv/apple", new StringContent("a fruit"));
            Assert.True(written.IsSuccessStatusCode, await written.Content.ReadAsStringAsync());
            Assert.Equal("a fruit", await silo.Client.GetStringAsync("/kv/apple"));
            Assert.Equal("ok", await silo.Client.GetStringAsync("/healthz"));
            Assert.Contains("\"ready\"", await silo.Client.GetStringAsync("/readyz"), StringComparison.Ordinal);
            Assert.True(await silo.StopAsync(signal) == 0, await silo.Errors);
            Assert.Matches(@"^stopped: requests in [0-9.]+ s, 1 shard handed over in [0-9.]+ s\n$", await silo.Rest);
            Assert.DoesNotContain("fail:", await silo.Errors, StringComparison.Ordinal);
        }

        using var again = await ServerProcess.StartAsync(TestSilo.StartInfo(_folder.Path, port, "--name", "dev"));
        Assert.Equal("a fruit", await again.Client.GetStringAsync("/kv/apple"));
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_and_exit_code_3()
    {
        var ports = FreePorts.Take(2);
        using var first = await ServerProcess.StartAsync(TestSilo.StartInfo(_folder.Path, ports[0]));
        var taken = new Uri(first.Url).Port;
        var start = TestSilo.StartInfo(_folder.Path, ports[1], "--data", "other", "--host", "127.0.0.1");
        start.ArgumentList[start.ArgumentList.IndexOf("--port") + 1] = $"{taken}";
        var (code, output, error) = await BuiltProgram.RunAsync(start);
        Assert.Equal(
            (3, "", $"dmt-silo: port {taken} on 127.0.0.1 is in use: stop what listens there, or choose another with "
                + "--port"),
            (code, output, error.TrimEnd()));
    }

    [Fact]
    public async Task A_silo_port_in_use_is_one_line_and_exit_code_3()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var (code, output, error) = await BuiltProgram.RunAsync(TestSilo.StartInfo(_folder.Path, port));
        Assert.Equal((3, ""), (code, output));
        Assert.Contains("silo_port or gateway_port cannot be listened on", Assert.Single(error.TrimEnd().Split('\n')),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_in_use_is_one_line_and_exit_code_3()
    {
        var ports = FreePorts.Take(2);
        using var first = await ServerProcess.StartAsync(TestSilo.StartInfo(_folder.Path, ports[0]));
        var (code, output, error) = await BuiltProgram.RunAsync(TestSilo.StartInfo(_folder.Path, ports[1]));
        Assert.Equal((3, ""), (code, output));
        Assert.Contains("is in use by another process", Assert.Single(error.TrimEnd().Split('\n')),
            StringComparison.Ordinal);
    }
}
