using System.Net;

namespace Dmt.Grains.AzureStorage.Tests;

/// <summary>Azure goes away from a silo that runs.</summary>
[Trait("Needs", "azurite")]
public sealed class OutageTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Without_Azure_shards_are_not_merged_and_everything_else_goes_on()
    {
        using var azurite = new Azurite();
        await azurite.InitializeAsync();
        using var silo = await ServerProcess.StartAsync(
            TestProgram.StartInfo(_folder.Path, "azure-blob", azurite.ConnectionString));
        Assert.Equal(HttpStatusCode.Created, await TestProgram.SplitAsync(silo, "user/"));
        azurite.Stop();

        using var refused = await silo.Client.DeleteAsync("/admin/shards/2");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Contains(
            "the shards were not changed, or not yet: ",
            await refused.Content.ReadAsStringAsync(),
            StringComparison.Ordinal);
        using var written = await silo.Client.PutAsync("/kv/user/1", new StringContent("a fruit"));
        Assert.Equal(HttpStatusCode.NoContent, written.StatusCode);
        Assert.Equal(["", "user/"], await TestProgram.PrefixesAsync(silo));
    }
}
