using Dmt.Core.Keys;

namespace Dmt.Core.Tests.Keys;

public sealed class MinimalOrdersTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    [InlineData(4, 6)]
    [InlineData(5, 10)]
    [InlineData(6, 20)]
    [InlineData(7, 35)]
    [InlineData(8, 70)]
    [InlineData(12, 924)]
    public void The_fewest_orders_make_every_subset_a_prefix(int segments, int fewest)
    {
        var orders = PrefixPermutation.MinimalOrders(segments);

        // Fewer cannot do: the subsets of the middle size need an order each.
        Assert.Equal(fewest, orders.Count);
        for (var position = 0; position < orders.Count; position++)
        {
            Assert.Equal(Enumerable.Range(0, segments), orders[position].ToArray().Order());
        }

        for (var subset = 0; subset < 1 << segments; subset++)
        {
            var front = orders[orders.OrderFor(subset)][..int.PopCount(subset)];
            Assert.Equal(subset, front.ToArray().Aggregate(0, (set, i) => set | (1 << i)));
        }
    }

    [Fact]
    public void The_first_order_is_the_identity()
    {
        for (var segments = 1; segments <= MinimalOrders.SegmentsMax; segments++)
        {
            Assert.Equal(Enumerable.Range(0, segments), new MinimalOrders(segments)[0].ToArray());
        }
    }

    [Fact]
    public void Three_segments_take_these_orders()
    {
        var orders = new MinimalOrders(3);

        // Pinned: permuted copies are stored by these orders, so they must not change.
        Assert.Equal(["012", "120", "201"], Enumerable.Range(0, 3).Select(i => string.Concat(orders[i].ToArray())));
        Assert.Equal([0, 0, 1, 0, 2, 2, 1, 0], Enumerable.Range(0, 8).Select(orders.OrderFor));
    }

    [Fact]
    public void What_is_out_of_range_is_refused_with_what_is_allowed()
    {
        var orders = new MinimalOrders(3);

        Assert.Contains("is 0: expected 1 to 16", Refused(() => new MinimalOrders(0)), StringComparison.Ordinal);
        Assert.Contains("is 17: expected 1 to 16", Refused(() => new MinimalOrders(17)), StringComparison.Ordinal);
        Assert.Contains("is 8: expected 0 to 7", Refused(() => orders.OrderFor(8)), StringComparison.Ordinal);
        Assert.Contains("is -1: expected 0 to 7", Refused(() => orders.OrderFor(-1)), StringComparison.Ordinal);
        Assert.Contains("no order 3: expected 0 to 2", Refused(() => orders[3].Length), StringComparison.Ordinal);
    }

    private static string Refused(Func<object?> act)
    {
        var error = Assert.Throws<DmtException>(act);
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        return error.Message;
    }
}
