using System.Text;
using Dmt.Core.Trie;

namespace Dmt.Core.Tests.Trie;

/// <summary>A tree beside a SortedDictionary: every operation is done to both, and what both say must agree.</summary>
internal sealed class TreeModel : IDisposable
{
    private readonly SortedDictionary<byte[], ulong> _model = new(ByteOrder.Instance);
    private readonly RadixCursor _cursor;

    public TreeModel()
    {
        Arena = new NativeArena(poisonFreed: true);
        Tree = new RadixTree(null, Arena);
        _cursor = Tree.CreateCursor();
    }

    public NativeArena Arena { get; }

    public RadixTree Tree { get; }

    public IReadOnlyCollection<byte[]> Keys => _model.Keys;

    public void Insert(byte[] key, ulong value)
    {
        var isNew = !_model.ContainsKey(key);
        _model[key] = value;
        Assert.Equal(isNew, Tree.Insert(key, value));
        Assert.Equal(_model.Count, Tree.Count);
    }

    public void Delete(byte[] key)
    {
        Assert.Equal(_model.Remove(key), Tree.Delete(key));
        Assert.Equal(_model.Count, Tree.Count);
    }

    public void Get(byte[] key)
    {
        var expected = _model.TryGetValue(key, out var value);
        Assert.Equal(expected, Tree.TryGet(key, out var found));
        Assert.Equal(value, found);
    }

    public void LongestPrefix(byte[] text)
    {
        var expected = _model.Keys.LastOrDefault(k => text.AsSpan().StartsWith(k));
        Assert.Equal(expected is not null, Tree.TryLongestPrefix(text, out var length, out var value));
        Assert.Equal(expected?.Length ?? 0, length);
        Assert.Equal(expected is null ? 0 : _model[expected], value);
    }

    /// <summary>Seeks both ways from a key, and walks a few steps on, and back again.</summary>
    public void Seek(byte[] key, int steps)
    {
        var up = _model.Keys.Where(k => ByteOrder.Instance.Compare(k, key) >= 0).ToArray();
        var down = _model.Keys.Where(k => ByteOrder.Instance.Compare(k, key) <= 0).Reverse().ToArray();
        Walk(up, steps, _cursor.Seek(key), forward: true);
        WalkBack(_model.Keys.ToArray(), forward: false);
        Walk(down, steps, _cursor.SeekForPrev(key), forward: false);
        WalkBack(_model.Keys.ToArray(), forward: true);
        _cursor.Reset();
    }

    public void Prefix(byte[] prefix)
    {
        var expected = _model.Keys.Where(k => k.AsSpan().StartsWith(prefix)).ToArray();
        Walk(expected, int.MaxValue, _cursor.SeekPrefix(prefix), forward: true);
        Array.Reverse(expected);
        Walk(expected, int.MaxValue, _cursor.SeekPrefixLast(prefix), forward: false);
        _cursor.Reset();
    }

    /// <summary>Everything at once: all keys by Get, and full walks both ways.</summary>
    public void Check()
    {
        foreach (var key in _model.Keys)
        {
            Get(key);
        }

        Walk(_model.Keys.ToArray(), int.MaxValue, _cursor.SeekFirst(), forward: true);
        Walk(_model.Keys.Reverse().ToArray(), int.MaxValue, _cursor.SeekLast(), forward: false);
        Assert.False(_cursor.IsValid);
    }

    /// <summary>Deletes what is left: not a byte may stay in use.</summary>
    public void Drain()
    {
        foreach (var key in _model.Keys.ToArray())
        {
            Delete(key);
        }

        Tree.Reclaim();
        Assert.Equal(0, Arena.BytesUsed);
    }

    public void Dispose()
    {
        _cursor.Dispose();
        Tree.Dispose();
        Assert.Equal(0, Arena.BytesReserved);
    }

    private void Walk(byte[][] expected, int steps, bool isValid, bool forward)
    {
        foreach (var key in expected.Take(steps))
        {
            Assert.True(isValid, $"no key where {Show(key)} belongs");
            Assert.True(_cursor.IsValid);
            Assert.Equal(Show(key), Show(_cursor.Key));
            Assert.Equal(_model[key], _cursor.Value);
            isValid = forward ? _cursor.MoveNext() : _cursor.MovePrev();
        }

        Assert.Equal(expected.Length > steps, isValid);
    }

    /// <summary>Turns round where the cursor is: three steps the other way.</summary>
    private void WalkBack(byte[][] all, bool forward)
    {
        if (!_cursor.IsValid)
        {
            return;
        }

        var at = Array.BinarySearch(all, _cursor.Key.ToArray(), ByteOrder.Instance);
        Assert.True(at >= 0, "the cursor is at a key that is not there");
        for (var i = 0; i < 3; i++)
        {
            at += forward ? 1 : -1;
            Assert.Equal(at >= 0 && at < all.Length, forward ? _cursor.MoveNext() : _cursor.MovePrev());
            if (!_cursor.IsValid)
            {
                return;
            }

            Assert.Equal(Show(all[at]), Show(_cursor.Key));
        }
    }

    private static string Show(ReadOnlySpan<byte> key)
    {
        var text = new StringBuilder($"[{key.Length}] ");
        return text.Append(Convert.ToHexString(key)).ToString();
    }
}
