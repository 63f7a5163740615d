using Dmt.Hosting;

namespace Dmt.Silo.Tests;

public sealed class ProgramTests
{
    [Fact]
    public async Task Help_lists_every_setting()
    {
        var (code, output, _) = await RunAsync("--help");
        Assert.Equal(ExitCodes.Ok, code);
        Assert.All(
            Configuration.SiloSettingCatalog.All([GrainStorageChoice.Dmt]),
            setting => Assert.Contains(setting.Flag, output, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Print_config_shows_values_and_their_sources()
    {
        var (code, output, _) = await RunAsync("--print-config", "--silo-port", "12000");
        Assert.Equal(ExitCodes.Ok, code);
        Assert.Contains("silo_port = 12000  (the flag --silo-port)", output, StringComparison.Ordinal);
        Assert.Contains("clustering = localhost  (default)", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--silo-prot", "unknown flag --silo-prot (did you mean --silo-port?); see dmt-silo --help")]
    [InlineData("--port=x", "port from the flag --port is \"x\": expected a whole number from 0 to 65535")]
    public async Task Bad_usage_is_one_line_and_exit_code_2(string argument, string message)
    {
        var (code, output, error) = await RunAsync(argument);
        Assert.Equal((ExitCodes.BadInput, "", $"dmt-silo: {message}\n"), (code, output, error));
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var code = await SiloProgram.RunAsync(
            arguments, [GrainStorageChoice.Dmt], new Dictionary<string, string>(), output, error,
            CancellationToken.None);
        return (code, output.ToString(), error.ToString());
    }
}
