using Dmt.Core;

namespace Dmt.Objects.S3.Tests;

/// <summary>Objects that go up in parts, when something fails.</summary>
public sealed class UploadTests : FakeS3Test
{
    private static readonly byte[] Content = NewContent();

    [Fact]
    public async Task Parts_that_fail_are_sent_again()
    {
        var seen = new HashSet<string>();
        Server.Script = request => request.Method == "PUT" && seen.Add(request.Query["partNumber"].ToString())
            ? Fault.Cut(afterEffect: true) : null;
        await using var store = Server.Open();
        await WriteAsync(store);
        Assert.True(Content.AsSpan().SequenceEqual(Server.Find("a")));
        Assert.Equal((3, 8), (store.Requests.Retries, store.Requests.Multiparts));
    }

    [Fact]
    public async Task A_completion_whose_answer_is_lost_is_recognised()
    {
        Fail("POST", 2, Fault.Cut(afterEffect: true));
        await using var store = Server.Open();
        await WriteAsync(store);
        Assert.True(Content.AsSpan().SequenceEqual(Server.Find("a")));
        Assert.Equal((1, 1, 0), (store.Requests.Retries, store.Requests.Heads, store.Requests.Deletes));
    }

    [Fact]
    public async Task A_completion_that_another_gave_up_is_an_error()
    {
        Fail("POST", 2, new Fault(404, "NoSuchUpload"));
        await using var store = Server.Open();
        Server.Set("a", [1]);
        var error = await UnavailableAsync(() => WriteAsync(store));
        Assert.StartsWith(
            "completion of the upload of s3://bucket/p/a failed after 1 attempt: 404 NoSuchUpload", error.Message,
            StringComparison.Ordinal);
        Assert.Equal<byte[]?>([1], Server.Find("a"));
    }

    [Fact]
    public async Task A_completion_that_fails_after_its_answer_began_is_made_again()
    {
        Fail("POST", 2, new Fault(200, "InternalError"));
        await using var store = Server.Open();
        await WriteAsync(store);
        Assert.True(Content.AsSpan().SequenceEqual(Server.Find("a")));
        Assert.Equal(1, store.Requests.Retries);
    }

    [Fact]
    public async Task A_part_that_fails_for_good_ends_the_upload_and_leaves_nothing()
    {
        Server.Script = request => request.Query["partNumber"] == "2" ? new Fault(403, "AccessDenied") : null;
        await using var store = Server.Open();
        var error = await UnavailableAsync(() => WriteAsync(store));
        Assert.StartsWith(
            "upload of part 2 of s3://bucket/p/a failed after 1 attempt", error.Message, StringComparison.Ordinal);
        Assert.Null(Server.Find("a"));
        Assert.Equal(0, Server.UploadsOpen);
        Assert.Equal(0, store.Requests.UploadsAbandoned);
    }

    [Fact]
    public async Task An_upload_that_cannot_be_given_up_is_counted()
    {
        Server.Script = request => request.Method == "DELETE" ? new Fault(403, "AccessDenied") : null;
        await using var store = Server.Open();
        await using (var writer = store.OpenWrite("a"))
        {
            await writer.WriteAsync(Content);
        }

        Assert.Equal((1, 1), (Server.UploadsOpen, store.Requests.UploadsAbandoned));
    }

    [Fact]
    public async Task Giving_up_ends_the_parts_under_way_first()
    {
        var never = NewGate();
        var arrived = NewGate();
        Server.Script = request =>
        {
            if (request.Method != "PUT")
            {
                return null;
            }

            arrived.TrySetResult();
            return Fault.Slow(never.Task);
        };
        await using var store = Server.Open();
        await using (var writer = store.OpenWrite("a"))
        {
            await writer.WriteAsync(Content);
            await arrived.Task;
        }

        Assert.Equal(0, Server.UploadsOpen);
        Assert.Null(Server.Find("a"));
        never.SetResult();
    }

    [Fact]
    public async Task A_writer_waits_for_its_parts_when_enough_are_under_way()
    {
        await using var store = FakeS3.Open(Server.Options with { PartsInFlightMax = 2 });
        var gate = NewGate();
        var parts = 0;
        Server.Script = request =>
        {
            if (request.Method == "PUT" && ++parts == 2)
            {
                gate.SetResult();
            }

            return request.Method == "PUT" ? Fault.Slow(gate.Task) : null;
        };
        await using var writer = store.OpenWrite("a");
        for (var i = 0; i < 6; i++)
        {
            await writer.WriteAsync(Content.AsMemory(0, S3ObjectStoreOptions.PartBytesMin));
        }

        await writer.CompleteAsync();
        Assert.Equal((6, 2), (parts, Server.InFlightMax));
        var error = await Assert.ThrowsAsync<DmtException>(async () => await writer.WriteAsync(new byte[1]));
        Assert.Equal(DmtErrorKind.Closed, error.Kind);
    }

    private static async Task WriteAsync(S3ObjectStore store)
    {
        await using var writer = store.OpenWrite("a");
        await writer.WriteAsync(Content);
        await writer.CompleteAsync();
    }

    private static byte[] NewContent()
    {
        var content = new byte[2 * S3ObjectStoreOptions.PartBytesMin + 1000];
        new Random(1).NextBytes(content);
        return content;
    }
}
