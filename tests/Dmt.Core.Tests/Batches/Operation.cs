using FsCheck;
using FsCheck.Fluent;

namespace Dmt.Core.Tests.Batches;

/// <summary>A <see cref="WriteOperation"/> that can be kept, compared and made at random.</summary>
internal sealed record Operation(
    WriteOperationKind Kind,
    string Key,
    string Value,
    bool HasNoEnd,
    string Metadata,
    long ExpiresAtMs,
    WriteCondition Condition)
{
    public static readonly Gen<Operation> Any = Gen.OneOf(Puts(), Deletes(), RangeDeletes());

    public static Operation Of(in WriteOperation operation) => new(
        operation.Kind,
        Convert.ToHexString(operation.Key),
        Convert.ToHexString(operation.Value),
        operation.HasNoEnd,
        Convert.ToHexString(operation.Metadata),
        operation.ExpiresAtMs,
        operation.Condition);

    public byte[] Encode()
    {
        var operation = new WriteOperation
        {
            Kind = Kind,
            Key = Convert.FromHexString(Key),
            Value = Convert.FromHexString(Value),
            HasNoEnd = HasNoEnd,
            Metadata = Convert.FromHexString(Metadata),
            ExpiresAtMs = ExpiresAtMs,
            Condition = Condition,
        };
        var bytes = new byte[operation.EncodedBytesMax];
        return bytes[..operation.Encode(bytes)];
    }

    public void AddTo(WriteBatch batch)
    {
        var (key, value) = (Convert.FromHexString(Key), Convert.FromHexString(Value));
        switch (Kind)
        {
            case WriteOperationKind.Put:
                DateTimeOffset? expiry = ExpiresAtMs == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(ExpiresAtMs);
                batch.Put(key, value, expiry, Convert.FromHexString(Metadata), Condition);
                break;
            case WriteOperationKind.Delete:
                batch.Delete(key, Condition);
                break;
            default:
                batch.DeleteRange(new(key, HasNoEnd ? null : (ReadOnlyMemory<byte>?)value));
                break;
        }
    }

    private static Gen<Operation> Puts() =>
        from key in Hex(1, 200)
        from value in Gen.OneOf(Hex(0, 20), Hex(0, 300))
        from metadata in Gen.OneOf(Gen.Constant(""), Hex(0, 140))
        from expiry in Gen.OneOf(Gen.Constant(0L), Gen.Choose(1, int.MaxValue).Select(n => n * 1000L))
        from condition in Conditions()
        select new Operation(WriteOperationKind.Put, key, value, false, metadata, expiry, condition);

    private static Gen<Operation> Deletes() =>
        from key in Hex(1, 200)
        from condition in Conditions()
        select new Operation(WriteOperationKind.Delete, key, "", false, "", 0, condition);

    /// <summary>Ranges that hold a key: from a start to what is longer, or to the end of all keys.</summary>
    private static Gen<Operation> RangeDeletes() =>
        from start in Hex(0, 3)
        from more in Hex(2, 4)
        from open in Gen.Elements(false, true)
        select new Operation(WriteOperationKind.DeleteRange, start, open ? "" : start + more, open, "", 0, default);

    private static Gen<WriteCondition> Conditions() => Gen.OneOf(
        Gen.Elements(WriteCondition.None, WriteCondition.Absent, WriteCondition.Present),
        Gen.Choose(0, int.MaxValue).Select(n => WriteCondition.VersionIs((ulong)n * (ulong)n)));

    private static Gen<string> Hex(int least, int most) => Property.Bytes(least, most).Select(Convert.ToHexString);
}
