using Dmt.Core.Trie;

namespace Dmt.Core.Tests.Trie;

public sealed unsafe class NativeArenaTests
{
    [Fact]
    public void Every_size_is_aligned_distinct_and_counted()
    {
        using var arena = new NativeArena();
        var live = new List<(uint Handle, int Bytes)>();
        long used = 0;
        for (var bytes = 1; bytes < 200_000; bytes += bytes < 3000 ? 1 : 997)
        {
            var memory = arena.Allocate(bytes, out var handle);
            Assert.NotEqual(0u, handle);
            Assert.Equal(0, (nint)memory & 7);
            Assert.True(arena.Resolve(handle) == memory, $"handle of {bytes} bytes resolves elsewhere");
            new Span<byte>(memory, bytes).Fill((byte)live.Count);
            live.Add((handle, bytes));
            Assert.True(arena.BytesUsed >= used + bytes, $"{bytes} bytes are not counted");
            used = arena.BytesUsed;
        }

        Assert.True(arena.BytesReserved >= used, "more used than reserved");
        for (var i = 0; i < live.Count; i++)
        {
            var content = new ReadOnlySpan<byte>(arena.Resolve(live[i].Handle), live[i].Bytes);
            Assert.False(content.ContainsAnyExcept((byte)i), $"allocation of {live[i].Bytes} bytes was overwritten");
        }

        foreach (var (handle, bytes) in live)
        {
            arena.Free(handle, bytes);
        }

        Assert.Equal(0, arena.BytesUsed);
    }

    [Fact]
    public void Size_classes_are_at_least_the_size_and_at_most_an_eighth_more()
    {
        var last = 0;
        for (var bytes = 1; bytes <= 64 * 1024; bytes++)
        {
            var size = NativeArena.Round(bytes, out var sizeClass);
            Assert.True(size >= bytes && size % 8 == 0, $"{bytes} bytes become {size}");
            Assert.True(size <= Math.Max(bytes + 7, bytes + (bytes / 8) + 1), $"{bytes} bytes become {size}");
            Assert.True(sizeClass == last || sizeClass == last + 1, $"class {sizeClass} of {bytes} follows {last}");
            last = sizeClass;
            Assert.Equal(size, NativeArena.Round(size, out var same));
            Assert.Equal(sizeClass, same);
        }
    }

    [Fact]
    public void Freed_memory_is_used_again()
    {
        using var arena = new NativeArena(poisonFreed: true);
        arena.Allocate(40, out var first);
        arena.Allocate(40, out var second);
        arena.Free(first, 40);
        arena.Free(second, 33);
        arena.Allocate(36, out var again);
        arena.Allocate(40, out var andAgain);
        Assert.Equal([second, first], [again, andAgain]);
    }

    [Fact]
    public void Values_of_64_mebibytes_have_chunks_of_their_own_and_give_them_back()
    {
        const int Bytes = 64 << 20;
        using var arena = new NativeArena();
        var memory = arena.Allocate(Bytes, out var handle);
        memory[0] = memory[Bytes - 1] = 1;
        Assert.True(arena.Resolve(handle) == memory, "resolves elsewhere");
        Assert.Equal(Bytes, arena.BytesUsed);
        arena.Free(handle, Bytes);
        Assert.Equal(0, arena.BytesUsed);
        Assert.InRange(arena.BytesReserved, 1, 4096);
        arena.Allocate(Bytes, out var again);
        Assert.Equal(handle, again);
    }

    [Fact]
    public void Disposed_arena_refuses()
    {
        var arena = new NativeArena();
        arena.Allocate(8, out _);
        arena.Dispose();
        Assert.Equal(0, arena.BytesReserved);
        Assert.Equal(DmtErrorKind.Closed, Assert.Throws<DmtException>(() => arena.Allocate(8, out _)).Kind);
        arena.Dispose();
    }
}
