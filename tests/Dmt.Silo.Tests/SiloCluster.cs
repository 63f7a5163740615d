using System.Diagnostics;
using System.Net.Http.Json;

namespace Dmt.Silo.Tests;

/// <summary>Three silos on one bucket, which also has their membership. Each keeps its name and ports over restarts.
/// </summary>
internal sealed class SiloCluster(params string[] flags) : IDisposable
{
    public const int Count = 3;

    private readonly TempFolder _folder = new();
    private readonly TestBucket _bucket = new();
    private readonly int[] _ports = FreePorts.Take(Count);
    private readonly ServerProcess?[] _silos = new ServerProcess?[Count];

    public ServerProcess this[int silo] => _silos[silo]!;

    /// <summary>Starts all, one after the other, and cuts the store at the prefixes.</summary>
    public async Task StartAsync(params string[] prefixes)
    {
        for (var silo = 0; silo < Count; silo++)
        {
            await StartAsync(silo);
        }

        using var split = await this[0].Client.PostAsJsonAsync("/admin/shards", new { prefixes });
        Assert.True(split.IsSuccessStatusCode, await split.Content.ReadAsStringAsync());
    }

    /// <summary>Starts one; it is an active member on return.</summary>
    public async Task StartAsync(int silo)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder.Path, $"{silo}")).FullName;
        _silos[silo]?.Dispose();
        _silos[silo] = null;
        _silos[silo] = await ServerProcess.StartAsync(StartInfo(folder, silo));
    }

    public void Dispose()
    {
        foreach (var silo in _silos)
        {
            silo?.Dispose();
        }

        _folder.Dispose();
    }

    private ProcessStartInfo StartInfo(string folder, int silo)
    {
        var start = TestSilo.StartInfo(
            folder, _ports[silo],
            [
                "--clustering", "store", "--advertised-address", "127.0.0.1", "--name", $"silo-{silo}",
                "--cache-size", "32MiB", .. flags,
            ]);
        _bucket.AddTo(start);
        return start;
    }
}
