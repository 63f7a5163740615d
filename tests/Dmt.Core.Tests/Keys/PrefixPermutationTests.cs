using System.Text;
using Dmt.Core.Keys;
using FsCheck;
using FsCheck.Fluent;

namespace Dmt.Core.Tests.Keys;

public sealed class PrefixPermutationTests
{
    /// <summary>Zero to seven segments of one of three values, so that equal ones are common.</summary>
    private static readonly Gen<string[]> FewKinds =
        from count in Gen.Choose(0, 7)
        from segments in Gen.Elements("a", "b", "c").ArrayOf(count)
        select segments;

    private static readonly Gen<int> Limits = Gen.OneOf(Gen.Choose(1, 10), Gen.Choose(1, PrefixPermutation.LimitMax));

    [Fact]
    public void Arrangements_come_in_lexicographic_order_of_indexes() => Assert.Equal(
        ["012", "021", "102", "120", "201", "210"], Orders(Of("x", "y", "z")));

    [Fact]
    public void Equal_segments_are_not_told_apart()
    {
        Assert.Equal(["012", "021", "102"], Orders(Of("b", "a", "b")));
        Assert.Equal(["bab", "bba", "abb"], Texts(Of("b", "a", "b")));
        Assert.Equal(["aaaa"], Texts(Of("a", "a", "a", "a")));
    }

    [Fact]
    public void Nothing_and_one_segment_have_one_arrangement()
    {
        Assert.Equal([""], Texts(Of()));
        Assert.Equal(["a"], Texts(Of("a")));
    }

    [Fact]
    public void A_prefix_is_cut_and_each_arrangement_joined()
    {
        var schema = KeySchema.Separated("/");
        var permutation = PrefixPermutation.Of(schema, "eu/books/42"u8.ToArray(), 3);
        var keys = permutation.Arrangements().Select(a => Encoding.UTF8.GetString(schema.Join(a)));

        Assert.Equal(["eu/books/42", "eu/42/books", "books/eu/42"], keys);
    }

    [Fact]
    public void Distinct_segments_have_n_factorial_arrangements_up_to_the_limit() => Property.Holds(
        from n in Gen.Choose(0, 12)
        from limit in Limits
        select (n, limit),
        x =>
        {
            var factorial = Enumerable.Range(1, x.n).Aggregate(1L, (product, i) => product * i);
            var permutation = Of(Numbered(x.n), x.limit);
            return permutation.Count == Math.Min(x.limit, factorial)
                && Orders(permutation).Distinct().Count() == permutation.Count;
        },
        30);

    [Fact]
    public void Any_list_agrees_with_brute_force() => Property.Holds(
        from segments in FewKinds
        from limit in Gen.OneOf(Gen.Choose(1, 50), Gen.Constant(PrefixPermutation.LimitMax))
        select (segments, limit),
        x => Texts(Of(x.segments, x.limit)).SequenceEqual(BruteForce(x.segments).Take(x.limit)),
        200);

    [Fact]
    public void The_identity_is_first_and_all_are_distinct() => Property.Holds(FewKinds, segments =>
    {
        var texts = Texts(Of(segments, PrefixPermutation.LimitMax));
        return texts[0] == string.Concat(segments) && texts.Distinct().Count() == texts.Count;
    });

    [Fact]
    public void Any_arrangement_is_found_without_those_before_it() => Property.Holds(
        from segments in Gen.OneOf(FewKinds, Gen.Choose(0, 40).Select(Numbered))
        from limit in Gen.Choose(1, 3000)
        select (segments, limit),
        x =>
        {
            var permutation = Of(x.segments, x.limit);
            var order = new int[x.segments.Length];
            return Orders(permutation).Index().All(o =>
            {
                permutation.OrderAt(o.Index, order);
                return string.Concat(order) == o.Item;
            });
        },
        100);

    [Fact]
    public void The_last_arrangement_of_all_is_the_reverse()
    {
        var order = new int[8];
        Of(Numbered(8), PrefixPermutation.LimitMax).OrderAt(40_319, order);

        Assert.Equal([7, 6, 5, 4, 3, 2, 1, 0], order);
    }

    [Fact]
    public void Five_arrangements_of_200_segments_touch_only_the_end()
    {
        var permutation = Of(Numbered(200), PrefixPermutation.LimitMax);
        var five = permutation.Arrangements().Take(5).ToList();
        var head = Enumerable.Range(0, 197).ToArray();
        var order = new int[200];

        Assert.Equal(5, five.Count);
        foreach (var (position, tail) in new[] { (0, "197198199"), (1, "197199198"), (4, "199197198") })
        {
            permutation.OrderAt(position, order);
            Assert.Equal(head, order[..197]);
            Assert.Equal(tail, string.Concat(order[197..]));
        }
    }

    [Fact]
    public void The_longest_list_of_few_kinds_keeps_its_order()
    {
        var segments = Enumerable.Range(0, 1025).Select(i => i % 512 == 0 ? "x" : "y").ToArray();
        var permutation = Of(segments, 2000);
        var order = new int[segments.Length];
        var position = 0;
        foreach (var current in permutation)
        {
            if (position % 97 == 0)
            {
                permutation.OrderAt(position, order);
                Assert.True(current.SequenceEqual(order), $"arrangement {position}");
            }

            position++;
        }

        Assert.Equal(2000, position);
    }

    [Fact]
    public void The_default_limit_is_all_of_six_segments()
    {
        Assert.Equal(720, Of(Numbered(6)).Count);
        Assert.Equal(720, Of(Numbered(7)).Count);
    }

    [Fact]
    public void What_is_out_of_range_is_refused_with_what_is_allowed()
    {
        var permutation = Of("a", "b");

        Assert.Contains("is 0: expected 1 to 100000", Refused(() => Of(["a"], 0)));
        Assert.Contains("is 100001: expected 1 to 100000", Refused(() => Of(["a"], 100_001)));
        Assert.Contains("1026 segments: expected 0 to 1025", Refused(() => Of(Numbered(1026))));
        Assert.Contains("no arrangement 2: expected 0 to 1", Refused(() => permutation.OrderAt(2, new int[2])));
        Assert.Contains("no arrangement -1", Refused(() => permutation.ArrangementAt(-1)));
        Assert.Contains("room for 3, not 2", Refused(() => permutation.OrderAt(0, new int[3])));
    }

    private static string[] Numbered(int count) => Enumerable.Range(0, count).Select(i => $"s{i}").ToArray();

    private static PrefixPermutation Of(params string[] segments) => Of(segments, PrefixPermutation.LimitDefault);

    private static PrefixPermutation Of(string[] segments, int limit) => new(
        segments.Select(s => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(s)).ToArray(), limit);

    private static List<string> Orders(PrefixPermutation permutation)
    {
        var orders = new List<string>();
        foreach (var order in permutation)
        {
            orders.Add(string.Concat(order.ToArray()));
        }

        return orders;
    }

    private static List<string> Texts(PrefixPermutation permutation) => permutation.Arrangements()
        .Select(a => string.Concat(a.Select(s => Encoding.UTF8.GetString(s.Span)))).ToList();

    /// <summary>Every order of indexes, lexicographically, as text; of those that look alike the first.</summary>
    private static IEnumerable<string> BruteForce(string[] segments) =>
        AllOrders([], Enumerable.Range(0, segments.Length).ToArray())
            .Select(order => string.Concat(order.Select(i => segments[i]))).Distinct();

    private static IEnumerable<int[]> AllOrders(int[] done, int[] left) => left.Length == 0
        ? [done]
        : left.SelectMany(i => AllOrders([.. done, i], left.Where(j => j != i).ToArray()));

    private static string Refused(Action act)
    {
        var error = Assert.Throws<DmtException>(act);
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        return error.Message;
    }
}
