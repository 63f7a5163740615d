using System.Buffers;

namespace Dmt.Api.Requests;

/// <summary>Bytes in a rented array, for as long as it is not disposed.</summary>
internal readonly struct PooledBytes(byte[] array, int length) : IDisposable
{
    public ReadOnlyMemory<byte> Memory => array.AsMemory(0, length);

    public void Dispose() => ArrayPool<byte>.Shared.Return(array);
}
