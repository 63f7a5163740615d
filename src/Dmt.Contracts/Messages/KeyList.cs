namespace Dmt.Contracts.Messages;

/// <summary>Keys in one piece.</summary>
[GenerateSerializer, Immutable, Alias("dmt.key-list")]
public readonly record struct KeyList
{
    [Id(0)]
    public int Count { get; init; }

    /// <summary>Of each its length, as a varint, and its bytes.</summary>
    [Id(1)]
    public ReadOnlyMemory<byte> Encoded { get; init; }

    public static KeyList Of(ReadOnlySpan<ReadOnlyMemory<byte>> keys)
    {
        var bytes = 0;
        foreach (var key in keys)
        {
            bytes += key.Length + 2;
        }

        var to = new FlatWriter(bytes);
        foreach (var key in keys)
        {
            to.Bytes(key.Span);
        }

        return new KeyList { Count = keys.Length, Encoded = to.Written };
    }

    /// <summary>The keys; parts of the message, not copies.</summary>
    /// <exception cref="Dmt.Core.DmtException">InvalidArgument where that is not what it holds.</exception>
    public ReadOnlyMemory<byte>[] ToArray()
    {
        var from = new FlatReader(Encoded, "a list of keys");
        var keys = from.Array<ReadOnlyMemory<byte>>(Count);
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = from.Bytes();
        }

        return keys;
    }
}
