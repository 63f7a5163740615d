// Where the copies of a shard live: an order of nodes for each shard, which every node computes alike without asking.
//
// Rendezvous hashing (Thaler, Ravishankar: "Using name-based mappings to increase hit rates", 1998): every node gets a
// score from a hash of the shard and of itself, and the highest one wins. Place j of the order goes to the highest
// score under the j-th arrangement of the prefix's segments, among the nodes that have no place yet. So copy j of a/b
// is drawn to the node where the shard of the permuted prefix (b/a) is at home. When the arrangements have run out, the
// identity with the place's number behind it takes their part.
//
// The order is made over all members, whether they are up or not, and only then those that are down are passed over.
// That order of steps is what makes failover warm. Were the down nodes left out before, each place would be drawn anew
// among the others, and the new primary would be whoever is second under the first arrangement, seldom the holder of
// copy 1, who is first under the second. docs/adr/0011-placement-over-all-members.md says why and what it costs.
//
// Invariants, for the same members:
// - The homes are distinct, up, and in one order for all counts of copies: fewer are a beginning of more.
// - Of the homes, a node that goes down leaves the others in their order: copy 1 becomes the primary, and one more node
//   takes the last place. A node that comes up again takes the place that it had.
// And between two memberships of which one has one live node more than the other:
// - The primary of a shard differs only where that node is it.
// - The nodes that hold copies differ by one at most, and by that node. (Place by place, the pools of free nodes differ
//   by one: the additional one, until it wins a place, and then whoever would have had that place.)
//
// Everything here is part of what nodes agree on: a change moves shards, and must come with a plan for the mixed time.
using System.Numerics;
using Dmt.Core.Hashing;
using Dmt.Core.Keys;

namespace Dmt.Core.Sharding;

/// <summary>
/// The homes of shards and of their copies, for one state of the membership. Immutable, safe for concurrent use.
/// </summary>
public sealed class Placement
{
    /// <summary>Most copies of a shard, the primary included.</summary>
    public const int CopiesMax = 16;

    /// <summary>The places that have an arrangement of their own, where there are as many.</summary>
    private const int ArrangementsMax = 24;

    private static readonly KeySchema OneByteEach = KeySchema.FixedWidth(1);

    private readonly Member[] _members;

    /// <param name="live">The nodes that are up, by names that outlive restarts; at least one, in any order.</param>
    /// <param name="down">The members that are down and have not been given up: their places are kept. In any
    /// order.</param>
    /// <exception cref="DmtException">InvalidArgument where no node is live, a name is empty, is no valid Unicode, or
    /// is given twice.</exception>
    public Placement(IEnumerable<string> live, IEnumerable<string>? down = null)
    {
        _members =
        [
            .. live.Select(static node => new Member(node, HashOf(node), true)),
            .. (down ?? []).Select(static node => new Member(node, HashOf(node), false)),
        ];
        LiveCount = _members.Count(static m => m.IsLive);
        if (LiveCount == 0)
        {
            throw DmtException.InvalidArgument("no node is live: a placement needs at least 1");
        }

        Array.Sort(_members, static (a, b) => string.CompareOrdinal(a.Node, b.Node));
        for (var i = 1; i < _members.Length; i++)
        {
            if (_members[i].Node == _members[i - 1].Node)
            {
                throw DmtException.InvalidArgument(
                    $"the node '{_members[i].Node}' is given twice: expected each once, live or down");
            }
        }
    }

    /// <summary>How many nodes are up.</summary>
    public int LiveCount { get; }

    /// <summary>The homes of a shard's copies, each byte of the prefix a segment: the primary first.</summary>
    /// <param name="prefix">The shard's prefix, 0 to 1,024 bytes.</param>
    /// <param name="copies">1 to <see cref="CopiesMax"/>, the primary included.</param>
    /// <returns>As many nodes as copies, or all live ones where these are fewer.</returns>
    /// <exception cref="DmtException">
    /// InvalidArgument for what is out of its range; TooLarge for the prefix.
    /// </exception>
    public string[] Homes(ReadOnlyMemory<byte> prefix, int copies) => Homes(OneByteEach.Cut(prefix), copies);

    /// <summary>The homes of a shard's copies, the primary first.</summary>
    /// <param name="segments">What a <see cref="KeySchema"/> cuts the shard's prefix into; all nodes must use the same
    /// one.</param>
    /// <param name="copies">1 to <see cref="CopiesMax"/>, the primary included.</param>
    /// <returns>As many nodes as copies, or all live ones where these are fewer.</returns>
    /// <exception cref="DmtException">InvalidArgument for what is out of its range.</exception>
    public string[] Homes(ReadOnlySpan<ReadOnlyMemory<byte>> segments, int copies)
    {
        if (copies is < 1 or > CopiesMax)
        {
            throw DmtException.InvalidArgument($"the number of copies is {copies}: expected 1 to {CopiesMax}");
        }

        var homes = new string[Math.Min(copies, LiveCount)];
        var arrangements = new PrefixPermutation(segments, ArrangementsMax);
        var orders = arrangements.GetEnumerator();
        var identity = 0UL;
        Span<bool> placed = _members.Length <= 256 ? stackalloc bool[_members.Length] : new bool[_members.Length];
        for (var (place, found) = (0, 0); found < homes.Length; place++)
        {
            var shard = orders.MoveNext() ? HashOf(segments, orders.Current) : Mix(identity + (ulong)place);
            identity = place == 0 ? shard : identity;
            var winner = Winner(shard, placed);
            placed[winner] = true;
            if (_members[winner].IsLive)
            {
                homes[found++] = _members[winner].Node;
            }
        }

        return homes;
    }

    /// <summary>The member with the highest score that has no place yet; of equal scores the lower name's.</summary>
    private int Winner(ulong shard, ReadOnlySpan<bool> placed)
    {
        var (winner, highest) = (-1, 0UL);
        for (var i = 0; i < placed.Length; i++)
        {
            if (!placed[i] && Mix(shard ^ _members[i].Hash) is var score && (winner < 0 || score > highest))
            {
                (winner, highest) = (i, score);
            }
        }

        return winner;
    }

    /// <summary>A hash of segments in an order, and of where they end: "ab", "c" is not "a", "bc".</summary>
    private static ulong HashOf(ReadOnlySpan<ReadOnlyMemory<byte>> segments, ReadOnlySpan<int> order)
    {
        var hash = (ulong)order.Length;
        foreach (var index in order)
        {
            hash = Mix(BitOperations.RotateLeft(hash, 5) ^ XxHash64.Compute(segments[index].Span));
        }

        return hash;
    }

    private static ulong HashOf(string node)
    {
        var name = Key.PrefixFromText(node);
        return name.Length > 0 ? XxHash64.Compute(name)
            : throw DmtException.InvalidArgument("the name of a node is empty: expected 1 to 1,024 bytes of UTF-8");
    }

    /// <summary>Every bit of the result depends on every bit given (the finisher of SplitMix64, Stafford's
    /// "Mix13").</summary>
    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    /// <param name="Node">Its name.</param>
    /// <param name="Hash">Of its name.</param>
    /// <param name="IsLive">It is up.</param>
    private readonly record struct Member(string Node, ulong Hash, bool IsLive);
}
