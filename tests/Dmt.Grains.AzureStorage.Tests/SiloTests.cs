using System.Net;
using System.Text;
using Azure.Data.Tables;
using Azure.Storage.Blobs;

namespace Dmt.Grains.AzureStorage.Tests;

/// <summary>The built <c>dmt-silo-azure</c>, whose shard map keeps in Azure which merge it has begun.</summary>
[Trait("Needs", "azurite")]
[Collection(AzuriteTests.Name)]
public sealed class SiloTests(Azurite azurite) : IDisposable
{
    // What was written by earlier versions must be read by later ones.
    private const string Nothing = """{"$id":"1","$type":"Dmt.Grains.Shards.ShardMapChanges, Dmt.Grains"}""";

    private const string MergeOf3 =
        """{"$id":"1","$type":"Dmt.Grains.Shards.ShardMapChanges, Dmt.Grains","Merging":3,"MergingInto":1}""";

    private readonly string _service = $"s{Guid.NewGuid():N}";
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("azure-blob")]
    [InlineData("azure-table")]
    public async Task A_merge_that_was_begun_is_in_Azure_and_finished_by_the_silo_that_starts_next(string storage)
    {
        using (var silo = await StartAsync(storage))
        {
            using var written = await silo.Client.PutAsync("/kv/order/1", new StringContent("a fruit"));
            Assert.Equal(HttpStatusCode.NoContent, written.StatusCode);
            Assert.Equal(HttpStatusCode.Created, await TestProgram.SplitAsync(silo, "user/", "order/"));
            using var merged = await silo.Client.DeleteAsync("/admin/shards/2");
            Assert.Equal(HttpStatusCode.NoContent, merged.StatusCode);
            Assert.Equal(["", "order/"], await TestProgram.PrefixesAsync(silo));
            Assert.Equal(Nothing, await ReadAsync(storage));
            Assert.True(await silo.StopAsync(ServerProcess.SigTerm) == 0, await silo.Errors);
        }

        await WriteAsync(storage, MergeOf3);
        using var again = await StartAsync(storage);
        Assert.Equal(HttpStatusCode.Created, await TestProgram.SplitAsync(again, "zoo/"));
        Assert.Equal(["", "zoo/"], await TestProgram.PrefixesAsync(again));
        Assert.Equal("a fruit", await again.Client.GetStringAsync("/kv/order/1"));
        Assert.Equal(Nothing, await ReadAsync(storage));
    }

    private Task<ServerProcess> StartAsync(string storage) => ServerProcess.StartAsync(
        TestProgram.StartInfo(_folder.Path, storage, azurite.ConnectionString, "--service-id", _service));

    private BlobClient Blob => new(azurite.ConnectionString, "grainstate", $"{_service}/changes-shardmap/map.json");

    private TableClient Table => new(azurite.ConnectionString, "grainstate");

    private async Task<TableEntity> RowAsync() =>
        (await Table.GetEntityAsync<TableEntity>($"{_service}_shardmap_map", "changes")).Value;

    private async Task<string> ReadAsync(string storage) => storage == "azure-blob"
        ? (await Blob.DownloadContentAsync()).Value.Content.ToString()
        : Encoding.UTF8.GetString((await RowAsync()).GetBinary("Data"));

    private async Task WriteAsync(string storage, string text)
    {
        if (storage == "azure-blob")
        {
            await Blob.UploadAsync(BinaryData.FromString(text), overwrite: true);
            return;
        }

        var row = await RowAsync();
        row["Data"] = Encoding.UTF8.GetBytes(text);
        await Table.UpdateEntityAsync(row, row.ETag);
    }
}
