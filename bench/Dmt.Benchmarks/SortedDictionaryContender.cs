namespace Dmt.Benchmarks;

/// <summary>It cannot seek: listings and ordered walks from a key are what SortedSet is measured for.</summary>
internal sealed class SortedDictionaryContender : Contender
{
    private SortedDictionary<byte[], ulong> _map = new(ByteOrder.Instance);
    private long _sink;

    public override string Name => "SortedDictionary";

    public override void Build(byte[][] keys)
    {
        for (var i = 0; i < keys.Length; i++)
        {
            _map[keys[i]] = (ulong)i;
        }
    }

    public override void Gets(byte[][] keys)
    {
        var found = 0;
        foreach (var key in keys)
        {
            found += _map.TryGetValue(key, out _) ? 1 : 0;
        }

        Expect(found == keys.Length);
    }

    public override bool CanList => false;

    public override void Tens(ReadOnlySpan<byte[]> prefixes)
    {
    }

    public override void All()
    {
        foreach (var pair in _map)
        {
            _sink += pair.Key.Length + (long)pair.Value;
        }
    }

    public override void Drop()
    {
        _map = new SortedDictionary<byte[], ulong>(ByteOrder.Instance);
    }
}
