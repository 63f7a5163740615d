namespace Dmt.Benchmarks;

/// <summary>Sorted once, then searched: what does not need to change has it best.</summary>
internal sealed class SortedArrayContender : Contender
{
    private byte[][] _keys = [];
    private long _sink;

    public override string Name => "sorted array";

    public override void Build(byte[][] keys)
    {
        _keys = [.. keys];
        Array.Sort(_keys, ByteOrder.Instance);
    }

    public override void Gets(byte[][] keys)
    {
        var found = 0;
        foreach (var key in keys)
        {
            found += Array.BinarySearch(_keys, key, ByteOrder.Instance) >= 0 ? 1 : 0;
        }

        Expect(found == keys.Length);
    }

    public override void Tens(ReadOnlySpan<byte[]> prefixes)
    {
        foreach (var prefix in prefixes)
        {
            var at = Array.BinarySearch(_keys, prefix, ByteOrder.Instance);
            at = at < 0 ? ~at : at;
            for (var end = Math.Min(at + 10, _keys.Length); at < end && _keys[at].AsSpan().StartsWith(prefix); at++)
            {
                _sink += _keys[at].Length;
            }
        }
    }

    public override void All()
    {
        foreach (var key in _keys)
        {
            _sink += key.Length;
        }
    }

    public override void Drop() => _keys = [];
}
