using Dmt.Core.Trie;

namespace Dmt.Core.Tests.Trie;

public sealed class ReaderEpochsTests
{
    [Fact]
    public void Retired_object_is_freed_at_once_without_readers()
    {
        var epochs = new ReaderEpochs();
        var freed = 0;
        epochs.Retire(() => freed++);
        Assert.Equal(0, freed);
        Assert.Equal(1, epochs.TryReclaim());
        Assert.Equal(1, freed);
        Assert.Equal(0, epochs.TryReclaim());
    }

    [Fact]
    public void Nested_guard_holds_until_the_outermost_leaves()
    {
        var epochs = new ReaderEpochs();
        var outer = epochs.Enter();
        using (epochs.Enter())
        {
            epochs.Retire(() => { });
        }

        Assert.Equal(0, epochs.TryReclaim());
        outer.Dispose();
        Assert.Equal(1, epochs.TryReclaim());
    }

    [Fact]
    public void Reader_that_entered_later_does_not_hold_back()
    {
        var epochs = new ReaderEpochs();
        epochs.Retire(() => { });
        using var guard = epochs.Enter();
        Assert.Equal(1, epochs.TryReclaim());
        epochs.Retire(() => { });
        Assert.Equal(0, epochs.TryReclaim());
    }

    [Fact]
    public async Task Pin_holds_across_threads()
    {
        var epochs = new ReaderEpochs();
        using var pin = epochs.CreatePin();
        await Task.Run(pin.Enter);
        Assert.True(pin.IsHeld);
        epochs.Retire(() => { });
        Assert.Equal(0, epochs.TryReclaim());
        await Task.Run(pin.Exit);
        Assert.Equal(1, epochs.TryReclaim());
    }

    [Fact]
    public void Returned_pins_are_used_again()
    {
        var epochs = new ReaderEpochs();
        for (var i = 0; i < 100; i++)
        {
            using var pin = epochs.CreatePin();
            pin.Enter();
        }

        Assert.InRange(epochs.SlotCount, 1, 64);
        Assert.Throws<DmtException>(() =>
        {
            var pin = epochs.CreatePin();
            pin.Dispose();
            pin.Enter();
        });
    }

    [Fact]
    public void Freed_in_the_order_of_retirement()
    {
        var epochs = new ReaderEpochs();
        var order = new List<int>();
        for (var i = 0; i < 10; i++)
        {
            epochs.Retire((order, i), static s => s.order.Add(s.i));
        }

        Assert.Equal(10, epochs.TryReclaim());
        Assert.Equal(Enumerable.Range(0, 10), order);
    }
}
