using System.Text;
using Dmt.Core.Trie;

namespace Dmt.Core.Tests.Trie;

public sealed class RadixTreeTests
{
    /// <summary>Node sizes change at 16, 17, 36, 37, 48, 49 and 256 children.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_node_size_up_and_down_keeps_all_keys(bool withValueEntry)
    {
        using var model = new TreeModel();
        var prefix = Encoding.UTF8.GetBytes("shared/prefix/");
        if (withValueEntry)
        {
            model.Insert(prefix, 1000);
        }

        var branches = Enumerable.Range(0, 256).Select(i => (byte)(i * 101)).ToArray();
        foreach (var branch in branches)
        {
            model.Insert([.. prefix, branch, 1], branch);
            model.Insert([.. prefix, branch, 2], branch);
            model.Check();
            model.Seek([.. prefix, (byte)(branch + 1)], 2);
        }

        foreach (var branch in branches)
        {
            model.Delete([.. prefix, branch, 2]);
            model.Delete([.. prefix, branch, 1]);
            model.Check();
            model.Seek([.. prefix, (byte)(branch + 1)], 2);
        }

        model.Drain();
    }

    [Theory]
    [InlineData(2)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(48)]
    [InlineData(49)]
    [InlineData(256)]
    public void Value_entry_comes_and_goes_in_nodes_of_every_size(int children)
    {
        using var model = new TreeModel();
        for (var i = 0; i < children; i++)
        {
            model.Insert([7, (byte)i, 0], (ulong)i);
        }

        model.Insert([7], 1);
        model.Check();
        model.Insert([7], 2);
        model.Seek([7], 3);
        model.LongestPrefix([7, 255, 255, 255]);
        model.Delete([7]);
        model.Check();
        model.Drain();
    }

    [Fact]
    public void Empty_key_and_longest_key_are_keys()
    {
        using var model = new TreeModel();
        model.Insert([], 1);
        model.Insert(new byte[1024], 2);
        model.Insert([.. new byte[1023], 1], 3);
        model.Insert(new byte[512], 4);
        model.Check();
        model.Delete([]);
        model.Check();
        model.Drain();
    }

    [Fact]
    public void Key_nested_in_key_down_to_1024_levels_is_walked()
    {
        using var model = new TreeModel();
        for (var length = 0; length <= 1024; length++)
        {
            model.Insert(new byte[length], (ulong)length);
        }

        model.Check();
        model.LongestPrefix(new byte[2000]);
        model.Drain();
    }

    [Fact]
    public void Too_long_key_is_refused_and_changes_nothing()
    {
        using var tree = new RadixTree();
        var error = Assert.Throws<DmtException>(() => tree.Insert(new byte[1025], 1));
        Assert.Equal(DmtErrorKind.TooLarge, error.Kind);
        Assert.Equal(0, tree.Count);
        Assert.False(tree.TryGet(new byte[1025], out _));
    }

    [Fact]
    public void GetOrAdd_finds_or_adds_in_one_call()
    {
        using var tree = new RadixTree();
        ref var fresh = ref tree.GetOrAdd("k"u8, 5, out var added);
        Assert.True(added);
        Assert.Equal(5ul, fresh);
        ref var found = ref tree.GetOrAdd("k"u8, 6, out added);
        Assert.False(added);
        Assert.Equal(5ul, found);
        Volatile.Write(ref found, 7);
        Assert.True(tree.TryGet("k"u8, out var value));
        Assert.Equal(7ul, value);
    }

    [Fact]
    public void Small_tree_stays_under_8_kilobytes()
    {
        using var tree = new RadixTree();
        for (var i = 0; i < 40; i++)
        {
            tree.Insert(Encoding.UTF8.GetBytes($"https://example.org/item/{i}"), 1);
        }

        Assert.InRange(tree.Arena.BytesReserved, 1, 4096);
    }

    [Fact]
    public void Positioned_cursor_holds_what_it_stands_on()
    {
        using var model = new TreeModel();
        for (var i = 0; i < 1000; i++)
        {
            model.Insert(BitConverter.GetBytes(i * 7919), (ulong)i);
        }

        using var cursor = model.Tree.CreateCursor();
        Assert.True(cursor.SeekFirst());
        var first = cursor.Key.ToArray();
        var before = model.Keys.ToArray();
        foreach (var key in before)
        {
            model.Delete(key);
        }

        model.Tree.Reclaim();
        Assert.True(model.Arena.BytesUsed > 0, "nothing was held");

        // Freed memory is poisoned: a walk over it would fail or show other keys.
        Assert.Equal(first, cursor.Key.ToArray());
        while (cursor.MoveNext())
        {
            Assert.Contains(cursor.Key.ToArray(), before);
        }

        model.Tree.Reclaim();
        Assert.Equal(0, model.Arena.BytesUsed);
    }

    [Fact]
    public void Disposed_tree_frees_its_memory_when_the_last_reader_leaves()
    {
        var arena = new NativeArena(poisonFreed: true);
        var epochs = new ReaderEpochs();
        var tree = new RadixTree(epochs, arena);
        tree.Insert("a"u8, 1);
        using var cursor = tree.CreateCursor();
        Assert.True(cursor.SeekFirst());
        tree.Dispose();
        Assert.Equal("a"u8, cursor.Key);
        Assert.Equal(1ul, cursor.Value);
        Assert.True(arena.BytesReserved > 0, "freed under the cursor");
        Assert.Equal(DmtErrorKind.Closed, Assert.Throws<DmtException>(() => tree.TryGet("a"u8, out _)).Kind);
        cursor.Reset();
        Assert.Equal(1, epochs.TryReclaim());
        Assert.Equal(0, arena.BytesReserved);
        Assert.Equal(DmtErrorKind.Closed, Assert.Throws<DmtException>(() => cursor.SeekFirst()).Kind);
        Assert.Equal(DmtErrorKind.Closed, Assert.Throws<DmtException>(() => tree.Insert("b"u8, 1)).Kind);
    }
}
