using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Objects.S3;

/// <summary>Ranges of one object in a bucket. Holds nothing open: closing it is for symmetry.</summary>
internal sealed class S3ObjectReader(S3ObjectStore store, string name, long length) : IObjectReader
{
    private volatile bool _closed;

    public string Name => name;

    public long Length => length;

    public async ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        store.CheckOpen(cancellationToken);
        if (_closed)
        {
            throw DmtException.Closed($"the reader of {store.Describe(name)}");
        }

        if (offset > length - buffer.Length)
        {
            throw DmtException.Corruption(
                store.Describe(name), offset, $"{buffer.Length} bytes expected, the object ends at {length}");
        }

        if (buffer.Length > 0)
        {
            await store.ReadRangeAsync(name, offset, buffer, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask DisposeAsync()
    {
        _closed = true;
        return ValueTask.CompletedTask;
    }
}
