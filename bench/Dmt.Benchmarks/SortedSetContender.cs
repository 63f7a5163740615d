namespace Dmt.Benchmarks;

/// <summary>Keys only. Listings through GetViewBetween.</summary>
internal sealed class SortedSetContender : Contender
{
    private static readonly byte[] Last = [0xFF];
    private SortedSet<byte[]> _set = new(ByteOrder.Instance);
    private long _sink;

    public override string Name => "SortedSet";

    public override void Build(byte[][] keys)
    {
        foreach (var key in keys)
        {
            _set.Add(key);
        }
    }

    public override void Gets(byte[][] keys)
    {
        var found = 0;
        foreach (var key in keys)
        {
            found += _set.Contains(key) ? 1 : 0;
        }

        Expect(found == keys.Length);
    }

    public override void Tens(ReadOnlySpan<byte[]> prefixes)
    {
        foreach (var prefix in prefixes)
        {
            var count = 0;
            foreach (var key in _set.GetViewBetween(prefix, Last))
            {
                if (count++ == 10 || !key.AsSpan().StartsWith(prefix))
                {
                    break;
                }

                _sink += key.Length;
            }
        }
    }

    public override void All()
    {
        foreach (var key in _set)
        {
            _sink += key.Length;
        }
    }

    public override void Drop() => _set = new SortedSet<byte[]>(ByteOrder.Instance);
}
