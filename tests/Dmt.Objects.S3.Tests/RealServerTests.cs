using Dmt.Core;
using Dmt.Engine.Objects;
using Dmt.Objects.Conformance;

namespace Dmt.Objects.S3.Tests;

/// <summary>The conformance suite and more against a real S3 server.</summary>
[Trait("Needs", "s3")]
public sealed class RealServerTests : ObjectStoreConformance
{
    [Fact]
    public async Task The_probe_passes()
    {
        await using var store = Open();
        await ObjectStoreProbe.RunAsync(store, "a");
        Assert.Empty(await NamesAsync(store, ""));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(3 * S3ObjectStoreOptions.PartBytesMin)]
    public async Task Large_objects_go_up_in_parts_and_come_back_whole(int beyondFirst)
    {
        await using var store = TestServer.Open(
            TestServer.Fresh() with { MultipartBytes = S3ObjectStoreOptions.PartBytesMin, PartsInFlightMax = 2 });
        var content = new byte[S3ObjectStoreOptions.PartBytesMin + beyondFirst];
        new Random(beyondFirst).NextBytes(content);
        await using (var writer = store.OpenWrite("large"))
        {
            foreach (var piece in content.Chunk(999_999))
            {
                await writer.WriteAsync(piece);
            }

            Assert.Empty(await NamesAsync(store, ""));
            await writer.CompleteAsync();
        }

        var written = await store.GetAsync("large");
        Assert.True(content.AsSpan().SequenceEqual(written), "another content came back");
        var totals = store.Requests;
        var parts = (content.Length + S3ObjectStoreOptions.PartBytesMin - 1) / S3ObjectStoreOptions.PartBytesMin;
        Assert.Equal(parts == 1 ? (1, 0) : (0, parts + 2), (totals.Puts, totals.Multiparts));
        Assert.Equal((content.Length, content.Length), (totals.BytesUp, totals.BytesDown));
    }

    [Fact]
    public async Task An_upload_in_parts_that_is_given_up_leaves_nothing()
    {
        await using var store = TestServer.Open(
            TestServer.Fresh() with { MultipartBytes = S3ObjectStoreOptions.PartBytesMin });
        await using (var writer = store.OpenWrite("large"))
        {
            await writer.WriteAsync(new byte[3 * S3ObjectStoreOptions.PartBytesMin]);
        }

        Assert.Empty(await NamesAsync(store, ""));
        Assert.Equal((1, 0), (store.Requests.Deletes, store.Requests.UploadsAbandoned));
    }

    [Fact]
    public async Task Many_objects_are_listed_and_deleted_in_pages()
    {
        await using var store = TestServer.Open(TestServer.Fresh());
        var names = Enumerable.Range(0, 2100).Select(i => $"o/{i:D4}").ToArray();
        await Parallel.ForEachAsync(
            names,
            new ParallelOptions { MaxDegreeOfParallelism = 16 },
            async (name, ct) => await store.PutAsync(name, new byte[1], ct));
        var before = store.Requests;
        Assert.Equal(names, await NamesAsync(store, "o/"));
        Assert.Equal(names[1500..], await NamesAsync(store, "o/", "o/1499"));
        await store.DeleteAsync(names);
        Assert.Empty(await NamesAsync(store, ""));
        var made = store.Requests.Since(before);
        Assert.Equal((3 + 1 + 1, 3), (made.Lists, made.Deletes));
    }

    [Fact]
    public async Task Stores_of_one_bucket_see_only_their_prefix()
    {
        var options = TestServer.Fresh();
        await using var store = TestServer.Open(options);
        await using var beside = TestServer.Open(
            options with { Location = options.Location with { Prefix = options.Location.Prefix + "-1" } });
        await using var below = TestServer.Open(
            options with { Location = options.Location with { Prefix = options.Location.Prefix + "/x" } });
        await beside.PutAsync("a", new byte[1]);
        await below.PutAsync("a", new byte[1]);
        Assert.Equal(["x/a"], await NamesAsync(store, ""));
        Assert.Equal(["a"], await NamesAsync(below, ""));
        Assert.Null(await store.GetAsync("a"));
    }

    [Fact]
    public async Task Wrong_credentials_are_told_and_not_retried()
    {
        var known = TestServer.Fresh().AccessKey!;
        foreach (var key in new[] { new S3AccessKey("nobody", "wrong"), known with { Secret = "wrong" } })
        {
            await using var store = TestServer.Open(TestServer.Fresh() with { AccessKey = key });
            var error = await Assert.ThrowsAsync<DmtException>(
                async () => await store.TryCreateAsync("a", new byte[1]));
            Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
            Assert.Contains(
                $"create of {store.Description}/a failed after 1 attempt: 403 ",
                error.Message,
                StringComparison.Ordinal);
            Assert.Contains("check the credentials", error.Message, StringComparison.Ordinal);
            Assert.Equal((1, 0), (store.Requests.Requests, store.Requests.Retries));
        }
    }

    [Fact]
    public async Task A_missing_bucket_is_told_and_not_retried()
    {
        var options = TestServer.Fresh() with { Location = new S3Location("no-such-bucket", "p") };
        await using var store = TestServer.Open(options);
        foreach (var call in new Func<Task>[]
        {
            async () => await store.GetAsync("a"),
            async () => await store.PutAsync("a", new byte[1]),
            async () => await NamesAsync(store, ""),
        })
        {
            var error = await Assert.ThrowsAsync<DmtException>(call);
            Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
            Assert.True(error.Message.Contains("404 NoSuchBucket", StringComparison.Ordinal), $"{error}");
            Assert.Contains("s3://no-such-bucket/p/", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(0, store.Requests.Retries);
    }

    protected override IObjectStore Open() => TestServer.Open(TestServer.Fresh());
}
