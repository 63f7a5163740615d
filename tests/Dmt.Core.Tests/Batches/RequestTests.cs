namespace Dmt.Core.Tests.Batches;

public sealed class RequestTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(300, 1)]
    [InlineData(300, 300)]
    [InlineData(ulong.MaxValue, 1)]
    [InlineData(ulong.MaxValue, ulong.MaxValue)]
    public void A_request_comes_back_from_the_record_of_its_batch(ulong number, ulong pendingFrom)
    {
        var request = new RequestId(0xFEDC_BA98_7654_3210, number, pendingFrom);
        var batch = new WriteBatch(0).Put("k"u8, "v"u8);
        batch.Request = request;
        batch.Delete("d"u8);

        var operations = new WriteBatch.Enumerator(batch.Record);
        Assert.True(operations.MoveNext());
        Assert.Equal(WriteOperationKind.Request, operations.Current.Kind);
        Assert.Equal(request, operations.Current.Request);
        Assert.True(batch.Record.EndsWith(batch.Encoded));
        Assert.Equal(3, Count(batch.Record));
        Assert.Equal(3, batch.RecordCount);
        Assert.Equal(2, Count(batch.Encoded));
        Assert.Equal(2, batch.Count);
    }

    [Fact]
    public void The_layout_is_pinned()
    {
        var batch = new WriteBatch { Request = new RequestId(0x0102_0304_0506_0708, 300, 299) }.Delete("k"u8);
        Assert.Equal("80" + "0807060504030201" + "AC02" + "01" + "02016B", Convert.ToHexString(batch.Record));
    }

    [Fact]
    public void A_request_that_is_set_again_or_cleared_leaves_the_operations_alone()
    {
        var batch = new WriteBatch(0) { Request = new RequestId(1, ulong.MaxValue, 1) }.Put("k"u8, new byte[500]);
        var encoded = batch.Encoded.ToArray();
        batch.Request = new RequestId(2, 1, 1);
        Assert.Equal("80" + "0200000000000000" + "0100", Convert.ToHexString(batch.Record[..11]));
        Assert.Equal(encoded, batch.Record[11..].ToArray());
        batch.Request = null;
        Assert.Equal(encoded, batch.Record.ToArray());
        Assert.Equal(1, batch.RecordCount);
        batch.Request = new RequestId(2, 1, 1);
        batch.Clear();
        Assert.Null(batch.Request);
        Assert.True(batch.Record.IsEmpty);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(5, 0)]
    [InlineData(5, 6)]
    public void Numbers_that_are_not_allowed_are_refused_and_leave_the_batch_as_it_was(ulong number, ulong pendingFrom)
    {
        var batch = new WriteBatch { Request = new RequestId(1, 2, 1) };
        var error = Assert.Throws<DmtException>(() => batch.Request = new RequestId(0xAB, number, pendingFrom));
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        Assert.StartsWith(
            $"request {number} of client 00000000000000ab, pending from {pendingFrom}: expected", error.Message,
            StringComparison.Ordinal);
        Assert.Equal(new RequestId(1, 2, 1), batch.Request);
    }

    [Fact]
    public void A_request_cannot_be_appended_as_an_operation()
    {
        var from = new WriteBatch { Request = new RequestId(1, 2, 1) }.Put("k"u8, "v"u8);
        var to = new WriteBatch();
        var error = Assert.Throws<DmtException>(() =>
        {
            var operations = new WriteBatch.Enumerator(from.Record);
            operations.MoveNext();
            to.Append(operations.Current);
        });
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        Assert.True(to.Encoded.IsEmpty);
    }

    [Theory]
    [InlineData("80", "nothing")]
    [InlineData("8008070605040302", "half a client")]
    [InlineData("800807060504030201", "no number")]
    [InlineData("800807060504030201AC", "half a number")]
    [InlineData("80080706050403020105", "no pending from")]
    [InlineData("8008070605040302010000", "number 0")]
    [InlineData("8008070605040302010505", "pending from 0")]
    [InlineData("8008070605040302010506", "pending from -1")]
    [InlineData("8408070605040302010501", "a request with an expiry")]
    public void What_makes_no_request_is_refused(string hex, string what)
    {
        var position = 0;
        Assert.False(WriteOperation.TryDecode(Convert.FromHexString(hex), ref position, out _), what);
        Assert.Equal(0, position);
    }

    [Fact]
    public void Any_bytes_behind_the_tag_are_decoded_or_refused() => Property.Holds(
        Property.Bytes(0, 30),
        bytes =>
        {
            byte[] tagged = [0x80, .. bytes];
            var position = 0;
            return WriteOperation.TryDecode(tagged, ref position, out var operation)
                ? operation.Request is { PendingFrom: > 0 } request && request.Number >= request.PendingFrom
                    && Reencodes(operation, tagged.AsSpan(0, position))
                : position == 0;
        },
        5000);

    private static bool Reencodes(in WriteOperation operation, ReadOnlySpan<byte> bytes)
    {
        var again = new byte[operation.EncodedBytesMax];
        return bytes.SequenceEqual(again.AsSpan(0, operation.Encode(again)));
    }

    private static int Count(ReadOnlySpan<byte> encoded)
    {
        var count = 0;
        for (var operations = new WriteBatch.Enumerator(encoded); operations.MoveNext();)
        {
            count++;
        }

        return count;
    }
}
