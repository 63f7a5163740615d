using System.Runtime.InteropServices;
using Dmt.Core.Hashing;

namespace Dmt.Engine.Tables;

/// <summary>
/// Collects what a table's filter must know: every key, and every key prefix of one length, which <see cref="Finish"/>
/// chooses: the longest at which there are at most an eighth as many distinct prefixes as keys. So prefixes cost at
/// most an eighth more bits, and a search for a prefix of that length or longer skips tables that hold none of it.
/// </summary>
internal sealed class FilterBuilder(int bitsPerKey)
{
    private static ReadOnlySpan<byte> PrefixLengths => [2, 4, 6, 8, 12, 16, 24, 32];

    private readonly List<ulong> _keys = [];
    // Null once there are too many to be chosen: then the length is out of the race for good, and costs nothing more.
    private readonly List<ulong>?[] _prefixes = [.. Enumerable.Range(0, 8).Select(_ => new List<ulong>())];
    private byte[] _last = [];

    /// <summary>Adds a key; keys come in order, each once.</summary>
    public void Add(ReadOnlySpan<byte> key)
    {
        if (bitsPerKey == 0)
        {
            return;
        }

        _keys.Add(XxHash64.Compute(key));
        var shared = key.CommonPrefixLength(_last);
        for (var i = 0; i < PrefixLengths.Length && PrefixLengths[i] <= key.Length; i++)
        {
            if (PrefixLengths[i] > shared && _prefixes[i] is { } prefixes)
            {
                prefixes.Add(XxHash64.Compute(key[..PrefixLengths[i]]));
                _prefixes[i] = prefixes.Count > (_keys.Count / 8) + 1024 ? null : prefixes;
            }
        }

        _last = CopyInto(_last, key);
    }

    /// <summary>
    /// The filter, and the length of the prefixes in it (0 for none). Empty when filters are off or there were no keys.
    /// </summary>
    public (byte[] Filter, int PrefixLength) Finish()
    {
        if (_keys.Count == 0)
        {
            return ([], 0);
        }

        var chosen = -1;
        for (var i = 0; i < PrefixLengths.Length; i++)
        {
            if (_prefixes[i] is { Count: > 0 } prefixes && prefixes.Count <= _keys.Count / 8)
            {
                chosen = i;
            }
        }

        if (chosen >= 0)
        {
            _keys.AddRange(_prefixes[chosen]!);
        }

        var filter = SplitBlockBloomFilter.Build(CollectionsMarshal.AsSpan(_keys), bitsPerKey);
        return (filter, chosen < 0 ? 0 : PrefixLengths[chosen]);
    }

    private static byte[] CopyInto(byte[] buffer, ReadOnlySpan<byte> key)
    {
        // Compared by common prefix only, so a longer stale tail must not match: the array is exactly the key.
        if (buffer.Length != key.Length)
        {
            return key.ToArray();
        }

        key.CopyTo(buffer);
        return buffer;
    }
}
