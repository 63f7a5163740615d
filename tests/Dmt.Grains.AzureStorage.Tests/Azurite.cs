using System.Diagnostics;

namespace Dmt.Grains.AzureStorage.Tests;

/// <summary>
/// Azure's storage emulator in a process of its own: the program that <c>DMT_TEST_AZURITE</c> names, which ./test
/// installs. It keeps everything in memory.
/// </summary>
public sealed class Azurite : IAsyncLifetime, IDisposable
{
    private const string Variable = "DMT_TEST_AZURITE";

    /// <summary>The one account that it has, which everybody knows.</summary>
    private const string Account = "devstoreaccount1";

    private const string Key =
        "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private readonly TempFolder _folder = new();
    private readonly int[] _ports = FreePorts.Take(3);
    private Process? _process;

    public string ConnectionString => ConnectionStringOf(_ports[0], _ports[1]);

    /// <summary>One for whatever listens on these ports.</summary>
    public static string ConnectionStringOf(int blobPort, int tablePort) =>
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};"
        + $"BlobEndpoint=http://127.0.0.1:{blobPort}/{Account};TableEndpoint=http://127.0.0.1:{tablePort}/{Account}";

    /// <summary>Returns when it serves.</summary>
    public async Task InitializeAsync()
    {
        var program = Environment.GetEnvironmentVariable(Variable)
            ?? throw new InvalidOperationException($"{Variable} is not set: ./test sets it, or leaves this test out");
        _process = Process.Start(new ProcessStartInfo(program,
        [
            "--inMemoryPersistence", "--disableTelemetry", "--silent",
            "--skipApiVersionCheck", // Azure's SDK is always newer than what it says it knows.
            "--blobPort", $"{_ports[0]}", "--tablePort", $"{_ports[1]}", "--queuePort", $"{_ports[2]}",
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder.Path,
        })!;
        var error = _process.StandardError.ReadToEndAsync();
        for (var listening = 0; listening < _ports.Length;)
        {
            var line = await _process.StandardOutput.ReadLineAsync();
            if (line is null)
            {
                Assert.Fail($"{Variable} names {program}, which did not start: {await error}");
            }

            listening += line.Contains("successfully listening", StringComparison.Ordinal) ? 1 : 0;
        }

        _ = _process.StandardOutput.ReadToEndAsync(); // Otherwise it would come to wait for a reader.
    }

    public Task DisposeAsync() => Task.CompletedTask; // Dispose is called after it.

    /// <summary>Afterwards nobody listens on its ports.</summary>
    public void Stop()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill();
            _process.WaitForExit();
        }
    }

    public void Dispose()
    {
        Stop();
        _process?.Dispose();
        _folder.Dispose();
    }
}

/// <summary>Tests that share one emulator.</summary>
[CollectionDefinition(Name)]
public sealed class AzuriteTests : ICollectionFixture<Azurite>
{
    public const string Name = "azurite";
}
