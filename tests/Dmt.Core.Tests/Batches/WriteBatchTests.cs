using FsCheck.Fluent;

namespace Dmt.Core.Tests.Batches;

public sealed class WriteBatchTests
{
    [Fact]
    public void A_batch_gives_back_its_operations_in_order() => Property.Holds(Operation.Any.ListOf(), operations =>
    {
        var batch = new WriteBatch(0);
        foreach (var operation in operations)
        {
            operation.AddTo(batch);
        }

        var values = operations.Where(o => o.Kind == WriteOperationKind.Put).Select(o => o.Value.Length / 2);
        return Operations(batch).SequenceEqual(operations)
            && batch.Count == operations.Count
            && batch.ValueBytesLargest == values.DefaultIfEmpty().Max()
            && batch.HasConditions == operations.Any(o => o.Condition != WriteCondition.None)
            && batch.UserBytes == operations.Sum(o => (o.Key.Length + o.Value.Length + o.Metadata.Length) / 2);
    });

    [Fact]
    public void The_encoding_is_the_operations_back_to_back() => Property.Holds(Operation.Any.ListOf(), operations =>
    {
        var batch = new WriteBatch();
        foreach (var operation in operations)
        {
            operation.AddTo(batch);
        }

        return batch.Encoded.SequenceEqual(operations.SelectMany(o => o.Encode()).ToArray());
    });

    [Fact]
    public void A_batch_of_encoded_operations_is_as_if_they_were_added() => Property.Holds(
        Operation.Any.ListOf(), operations =>
        {
            var batch = new WriteBatch();
            foreach (var operation in operations)
            {
                operation.AddTo(batch);
            }

            var copy = WriteBatch.Of(batch.Encoded);
            return copy.Encoded.SequenceEqual(batch.Encoded)
                && (copy.Count, copy.ValueBytesLargest, copy.HasConditions, copy.UserBytes)
                    == (batch.Count, batch.ValueBytesLargest, batch.HasConditions, batch.UserBytes)
                && Operations(copy.Delete("after"u8)).SequenceEqual(Operations(batch.Delete("after"u8)));
        });

    [Fact]
    public void A_batch_of_bytes_that_are_no_operations_is_refused()
    {
        Assert.Equal(
            DmtErrorKind.Corruption, Assert.Throws<DmtException>(static () => WriteBatch.Of([77])).Kind);
        var request = new byte[WriteOperation.RequestBytesMax];
        var length = WriteOperation.EncodeRequest(request, new RequestId(1, 2, 1));
        Assert.Equal(
            DmtErrorKind.InvalidArgument,
            Assert.Throws<DmtException>(() => WriteBatch.Of(request.AsSpan(0, length))).Kind);
    }

    [Fact]
    public void A_cleared_batch_is_like_a_new_one()
    {
        var batch = new WriteBatch().Put("k"u8, "v"u8, condition: WriteCondition.Absent).Delete("d"u8);
        batch.Clear();

        Assert.Equal((0, 0, false, 0L), (batch.Count, batch.ValueBytesLargest, batch.HasConditions, batch.UserBytes));
        Assert.True(batch.Encoded.IsEmpty);
        Assert.Empty(Operations(batch));
        Assert.Equal("61", Assert.Single(Operations(batch.Delete("a"u8))).Key);
    }

    [Fact]
    public void Bad_operations_are_refused_and_leave_the_batch_as_it_was()
    {
        var batch = new WriteBatch().Put("k"u8, "v"u8);
        var before = batch.Encoded.ToArray();
        var large = new byte[1025];

        Refused(DmtErrorKind.InvalidArgument, "the key is empty", () => batch.Put([], "v"u8));
        Refused(DmtErrorKind.TooLarge, "the key has 1025 bytes", () => batch.Put(large, []));
        Refused(DmtErrorKind.TooLarge, "the metadata has 1025 bytes", () => batch.Put("k"u8, [], null, large));
        Refused(DmtErrorKind.InvalidArgument, "the key is empty", () => batch.Delete([]));
        Refused(DmtErrorKind.TooLarge, "1025 bytes", () => batch.Delete(large));
        Refused(DmtErrorKind.TooLarge, "1025 bytes", () => batch.DeleteRange(new(large, null)));
        Refused(DmtErrorKind.InvalidArgument, "from \"b\" to \"a\" is empty",
            () => batch.DeleteRange(new("b"u8.ToArray(), "a"u8.ToArray())));
        Assert.Equal(before, batch.Encoded.ToArray());
        Assert.Equal(1, batch.Count);
    }

    [Fact]
    public void An_expiry_before_1970_is_in_the_past_and_not_never()
    {
        var batch = new WriteBatch()
            .Put("k"u8, "v"u8, DateTimeOffset.UnixEpoch)
            .Put("l"u8, "v"u8, DateTimeOffset.MinValue);

        Assert.All(Operations(batch), o => Assert.Equal(1, o.ExpiresAtMs));
    }

    [Fact]
    public void A_damaged_encoding_is_corruption_at_its_offset()
    {
        var bytes = new WriteBatch().Put("k"u8, "v"u8).Put("l"u8, "w"u8).Encoded.ToArray();
        bytes[5] = 0;
        var error = Assert.Throws<DmtException>(() =>
        {
            var walk = new WriteBatch.Enumerator(bytes);
            while (walk.MoveNext())
            {
                Assert.Equal((byte)'k', walk.Current.Key[0]);
            }
        });

        Assert.Equal(DmtErrorKind.Corruption, error.Kind);
        Assert.Equal("write batch is damaged at offset 5: the bytes make no operation", error.Message);
    }

    [Fact]
    public void A_batch_may_take_keys_from_itself()
    {
        var batch = new WriteBatch(0).Put("key"u8, new byte[100]);
        foreach (var operation in batch)
        {
            batch.Put(operation.Key, operation.Value);
            batch.Delete(operation.Key);
        }

        Assert.Equal(["6B6579", "6B6579", "6B6579"], Operations(batch).Select(o => o.Key));
    }

    private static List<Operation> Operations(WriteBatch batch)
    {
        var operations = new List<Operation>();
        foreach (var operation in batch)
        {
            operations.Add(Operation.Of(operation));
        }

        return operations;
    }

    private static void Refused(DmtErrorKind kind, string said, Action act)
    {
        var error = Assert.Throws<DmtException>(act);
        Assert.Equal(kind, error.Kind);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }
}
