using Dmt.Core.Trie;

namespace Dmt.Benchmarks;

internal sealed class TreeContender : Contender, IDisposable
{
    private RadixTree? _tree;
    private long _sink;

    public override string Name => "RadixTree";

    public override void Build(byte[][] keys)
    {
        _tree = new RadixTree();
        for (var i = 0; i < keys.Length; i++)
        {
            _tree.Insert(keys[i], (ulong)i);
        }
    }

    public override void Gets(byte[][] keys)
    {
        var found = 0;
        foreach (var key in keys)
        {
            found += _tree!.TryGet(key, out _) ? 1 : 0;
        }

        Expect(found == keys.Length);
    }

    public override void Tens(ReadOnlySpan<byte[]> prefixes)
    {
        using var cursor = _tree!.CreateCursor();
        foreach (var prefix in prefixes)
        {
            var count = 0;
            for (var more = cursor.SeekPrefix(prefix); more && count < 10; more = cursor.MoveNext())
            {
                _sink += cursor.Key.Length + (long)cursor.Value;
                count++;
            }
        }
    }

    public override void All()
    {
        using var cursor = _tree!.CreateCursor();
        var count = 0;
        for (var more = cursor.SeekFirst(); more; more = cursor.MoveNext())
        {
            _sink += cursor.Key.Length + (long)cursor.Value;
            count++;
        }

        Expect(count == _tree.Count);
    }

    public override void Drop()
    {
        _tree?.Dispose();
        _tree = null;
    }

    public void Dispose() => Drop();

    public override long NativeBytes => _tree?.Arena.BytesReserved ?? 0;

    public override bool KeepsKeys => false;
}
