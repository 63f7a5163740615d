using Dmt.Client;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Grains.Tests.Shards;

/// <summary>
/// A carve was done, and whoever did it could not say so in the map: the newest map is wrong, and no silo will find out
/// by itself. Whatever a client asks for then, it sees to it that the map is mended.
/// </summary>
public sealed class WrongMapTests
{
    private static readonly byte[] Apple = "apple"u8.ToArray();
    private static readonly byte[] Berry = "berry"u8.ToArray();

    [Fact]
    public Task A_get_mends_the_map() => MendAsync(async client =>
        Assert.Equal(Berry, (await client.GetAsync(Berry))!.Value.Value.ToArray()));

    [Fact]
    public Task A_put_mends_the_map() => MendAsync(async client => await client.PutAsync(Berry, Berry));

    [Fact]
    public Task A_batch_mends_the_map() => MendAsync(async client =>
        await client.WriteAsync(new WriteBatch().Put(Apple, Apple).Put(Berry, Berry)));

    [Fact]
    public Task Getting_many_keys_mends_the_map() => MendAsync(async client =>
        Assert.All(await client.GetManyAsync([Apple, Berry]), static entry => Assert.NotNull(entry)));

    [Fact]
    public Task A_count_mends_the_map() => MendAsync(async client =>
        Assert.Equal(2, await client.CountAsync(KeyRange.All)));

    [Fact]
    public Task A_scan_mends_the_map() => MendAsync(async client =>
        Assert.Equal(2, (await client.ScanAsync(new ScanRequest())).Entries.Count));

    private static async Task MendAsync(Func<DmtClient, Task> call)
    {
        await using var cluster = await ShardCluster.StartAsync(1);
        var client = cluster.NewClient();
        await client.WriteAsync(new WriteBatch().Put(Apple, Apple).Put(Berry, Berry));

        // The first new version of the map gives numbers to new shards; the next would name them.
        var versions = 0;
        cluster.BeforeCreate = name =>
            name.StartsWith("map/", StringComparison.Ordinal) && Interlocked.Increment(ref versions) > 1
                ? throw DmtException.Unavailable($"injected: create {name} failed")
                : Task.CompletedTask;
        var error = await Assert.ThrowsAsync<DmtException>(() => ShardCluster.SplitAsync(client, "b"));
        Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
        cluster.BeforeCreate = static _ => Task.CompletedTask;
        Assert.Single(await client.ListShardsAsync());
        await call(client);
        Assert.Equal(2, (await client.ListShardsAsync()).Count);
    }
}
