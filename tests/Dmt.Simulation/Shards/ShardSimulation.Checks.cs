using System.Globalization;
using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Shards;

namespace Dmt.Simulation.Shards;

/// <content>What is read is what is there.</content>
internal sealed partial class ShardSimulation
{
    /// <summary>Scans all that an owner has, and compares it with what it must have.</summary>
    private async Task<bool> CheckContentsAsync(Activation activation)
    {
        var all = true;
        if (_bucket.Latest(activation.Shard.Id) is { } latest)
        {
            foreach (var range in new Ownership(latest).Ranges)
            {
                all &= await ScanAsync(activation, range, Random.Next(3) == 0).ConfigureAwait(false);
            }
        }

        return all;
    }

    /// <returns>False where it could not be read.</returns>
    private async Task<bool> ScanAsync(Activation activation, KeyRange range, bool reverse)
    {
        var request = new ScanRequest { Range = range, Reverse = reverse, Limit = ScanRequest.LimitMax };
        var reply = await CallAsync(activation.Node, $"scan of {activation}", async () =>
        {
            // As of now: what is carved out meanwhile may be seen or not.
            var isStale = IsTakenOver(activation);
            var expected = activation.Owner.History.Range(Text(range.Start), range.End is { } end ? Text(end) : null);
            var page = await activation.Shard.ScanAsync(request).ConfigureAwait(false);
            CheckMayAnswer(activation, isStale);
            var found = page.Entries.Select(static one => KeyValuePair.Create(Text(one.Key), ToEntry(one.Entry)));
            Compare(
                activation, reverse ? Enumerable.Reverse(expected) : expected,
                found.Where(one => activation.Owner.Owns(one.Key)));
            return true;
        }).ConfigureAwait(false);
        activation.IsBad |= reply.Kind is DmtErrorKind.Fenced or DmtErrorKind.Closed;
        return reply.IsOk;
    }

    private void Compare(
        Activation activation,
        IEnumerable<KeyValuePair<string, SimEntry>> expected,
        IEnumerable<KeyValuePair<string, SimEntry>> found)
    {
        var wanted = expected.Where(one => activation.Owner.Owns(one.Key)).Select(Say).ToList();
        var got = found.Select(Say).ToList();
        if (!wanted.SequenceEqual(got))
        {
            _world.Fail(
                $"{activation}, recovered up to {activation.Owner.Recovered}: missing "
                    + $"{string.Join(", ", wanted.Except(got).Take(5))}; not expected "
                    + $"{string.Join(", ", got.Except(wanted).Take(5))}");
        }
    }

    /// <summary>Somebody else answers for the shard.</summary>
    private bool IsTakenOver(Activation activation) => !_book.IsNewest(activation.Owner);

    /// <summary>A call that began after another owner had opened the shard gets no answer.</summary>
    private void CheckMayAnswer(Activation activation, bool wasTakenOver)
    {
        if (wasTakenOver)
        {
            _world.Fail($"{activation} answered a call that began after it had been taken over");
        }
    }

    /// <summary>Every shard that the map names is opened on one node, and what they say is all there is.</summary>
    private async Task OpenAllAsync(ShardSimNode node)
    {
        var opened = new Dictionary<uint, Activation>();
        for (var rounds = 0; rounds < 20; rounds++)
        {
            var map = (await CallAsync(node, "the map", () => node.Node.LoadMapAsync().AsTask()).ConfigureAwait(false))
                .Value!;
            var left = map.Entries.Where(one => !opened.ContainsKey(one.Shard)).ToList();
            if (left.Count == 0)
            {
                break;
            }

            foreach (var entry in left)
            {
                if (await OpenAsync(entry.Shard, node).ConfigureAwait(false) is { } activation)
                {
                    opened[entry.Shard] = activation;
                }
            }
        }

        var living = _bucket.Living.OrderBy(static one => Text(one.Prefix), StringComparer.Ordinal).ToList();
        var manifests = living.Select(static one => $"{one.Shard}={Text(one.Prefix)}");
        var named = _bucket.Map.Entries.Select(static one => $"{one.Shard}={Text(one.Prefix)}");
        if (!manifests.SequenceEqual(named))
        {
            _world.Fail($"the map names {string.Join(' ', named)}: the manifests {string.Join(' ', manifests)}");
        }

        foreach (var manifest in living)
        {
            if (!_placed.TryGetValue(manifest.Shard, out var activation) || activation.Node != node
                || !await CheckContentsAsync(activation).ConfigureAwait(false))
            {
                _world.Fail($"shard {manifest.Shard} cannot be read though nothing is wrong any more");
            }
        }
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.ASCII.GetString(bytes.Span);

    private static SimEntry ToEntry(Entry entry) => new(Encoding.ASCII.GetString(entry.Value.Span), entry.Version);

    private static string Say(KeyValuePair<string, SimEntry> pair) =>
        string.Create(CultureInfo.InvariantCulture, $"{pair.Key}={pair.Value.Value.TrimEnd('.')}@{pair.Value.Version}");
}
