using BenchmarkDotNet.Attributes;

namespace Dmt.Benchmarks;

/// <summary>
/// Each operation is one pass over all keys (or prefixes): divide by their number. `quick` prints rates and bytes per
/// key at once.
/// </summary>
[MemoryDiagnoser]
public class RadixTreeBenchmarks
{
    private readonly Dictionary<string, Func<Contender>> _contenders = new()
    {
        ["RadixTree"] = () => new TreeContender(),
        ["SortedDictionary"] = () => new SortedDictionaryContender(),
        ["SortedSet"] = () => new SortedSetContender(),
        ["sorted array"] = () => new SortedArrayContender(),
    };

    private byte[][] _keys = [];
    private byte[][] _probes = [];
    private byte[][] _prefixes = [];
    private Contender _filled = new SortedArrayContender();
    private Contender _empty = new SortedArrayContender();

    [Params("RadixTree", "SortedDictionary", "SortedSet", "sorted array")]
    public string Structure { get; set; } = "";

    [Params("urls", "hex")]
    public string Keys { get; set; } = "";

    [Params(1_000_000)]
    public int Count { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        _keys = Keys == "urls" ? KeySets.Urls(Count) : KeySets.Hex(Count);
        _probes = KeySets.Shuffled(_keys, 3);
        _prefixes = KeySets.Prefixes(_keys);
        _filled = _contenders[Structure]();
        _filled.Build(_keys);
        _empty = _contenders[Structure]();
    }

    [GlobalCleanup]
    public void Drop() => _filled.Drop();

    [Benchmark]
    public void Build()
    {
        _empty.Build(_keys);
        _empty.Drop();
    }

    [Benchmark]
    public void Gets() => _filled.Gets(_probes);

    /// <summary>Ten keys under each prefix. SortedDictionary cannot seek, so its figure means nothing.</summary>
    [Benchmark]
    public void Tens() => _filled.Tens(_prefixes);

    [Benchmark]
    public void All() => _filled.All();
}
