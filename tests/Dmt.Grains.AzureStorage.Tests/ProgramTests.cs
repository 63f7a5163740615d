namespace Dmt.Grains.AzureStorage.Tests;

/// <summary>How <c>dmt-silo-azure</c> says that Azure's storage cannot be had; nothing here reaches Azure.</summary>
public sealed class ProgramTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("azure-blob", "", "is not set in the environment: expected the connection string of")]
    [InlineData("azure-table", "", "is not set in the environment: expected the connection string of")]
    [InlineData("azure-blob", "c2VjcmV0", "is malformed: expected the connection string of")]
    [InlineData("azure-table", "c2VjcmV0", "is malformed: expected the connection string of")]
    public async Task A_missing_or_malformed_connection_string_is_one_line_and_exit_code_2(
        string storage, string connection, string problem)
    {
        var (code, output, error) = await BuiltProgram.RunAsync(
            TestProgram.StartInfo(_folder.Path, storage, connection));
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith(
            $"dmt-silo: grain_storage is {storage}, and AZURE_STORAGE_CONNECTION_STRING {problem}",
            Assert.Single(error.TrimEnd().Split('\n')),
            StringComparison.Ordinal);
        Assert.DoesNotContain("c2VjcmV0", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_storage_out_of_reach_is_one_line_and_exit_code_3()
    {
        // Both at once: the SDK tries again for some seconds.
        string[] storages = ["azure-blob", "azure-table"];
        var ends = await Task.WhenAll(storages.Select(storage =>
        {
            var ports = FreePorts.Take(2);
            return BuiltProgram.RunAsync(TestProgram.StartInfo(
                _folder.Path, storage, Azurite.ConnectionStringOf(ports[0], ports[1]),
                "--name", "node", "--data", storage));
        }));
        foreach (var (storage, (code, output, error)) in storages.Zip(ends))
        {
            Assert.Equal((3, ""), (code, output));
            Assert.StartsWith(
                $"dmt-silo: node cannot join cluster dmt: grain_storage is {storage}, and Azure's storage cannot be "
                + "reached: ",
                Assert.Single(error.TrimEnd().Split('\n')),
                StringComparison.Ordinal);
        }
    }
}
