using System.Diagnostics;

namespace Dmt.Silo.Tests;

/// <summary>The built <c>dmt-silo</c> in processes of its own.</summary>
internal static class TestSilo
{
    /// <summary>How to start one on a free port; more arguments may be added.</summary>
    /// <param name="folder">Its current folder.</param>
    /// <param name="siloPort">Where other silos find it.</param>
    /// <param name="arguments">More flags.</param>
    public static ProcessStartInfo StartInfo(string folder, int siloPort, params string[] arguments) =>
        new BuiltProgram(folder).Isolated(new ProcessStartInfo(
            "dotnet",
            [
                Path.Combine(AppContext.BaseDirectory, "dmt-silo.dll"), "--port", "0", "--gateway-port", "0",
                "--silo-port", $"{siloPort}", "--log-level", "warning", .. arguments,
            ]));
}
