// What must hold:
//   - who takes over has a prefix of what its predecessor had: key for key, value for value, version for version, so
//     nothing is there that nobody wrote, nothing twice, nothing out of order;
//   - that prefix has everything that any earlier owner has acknowledged as durable, and will ever acknowledge;
//   - no write that began after the fence was there is acknowledged as durable;
//   - an epoch has one owner;
//   - whoever reads its store reads what it wrote, unless an error says that it cannot;
//   - every call returns.
using System.Globalization;
using System.Text;
using Dmt.Core;

namespace Dmt.Simulation;

internal sealed partial class Simulation
{
    private const string Reading = "reading everything";

    private void CheckTakeover(SimNode node)
    {
        node.Recovered = node.Store!.Shards.Root.LastSequence;
        var opened = _nodes.FindAll(static other => other.History is not null);
        if (opened.Find(other => other.Epoch == node.Epoch) is { } twin)
        {
            _world.Fail($"epoch {node.Epoch} has two owners: node {twin.Number} and node {node.Number}");
        }

        var earlier = opened.FindAll(other => other.Epoch < node.Epoch);
        foreach (var before in earlier)
        {
            if (Math.Max(before.Durable, before.Recovered) > node.Recovered)
            {
                _world.Fail(
                    $"node {node.Number} recovered up to {node.Recovered}: node {before.Number} had recovered up to "
                        + $"{before.Recovered} and acknowledged up to {before.Durable}");
            }
        }

        var history = earlier.MaxBy(static other => other.Epoch)?.History ?? SimHistory.Empty;
        if (node.Recovered > history.Last)
        {
            _world.Fail(
                $"node {node.Number} recovered up to {node.Recovered}: its predecessor had up to {history.Last}");
        }

        node.Durable = node.Recovered;
        node.History = history.Prefix(node.Recovered);
    }

    /// <summary>Compares everything that a node found with what it should have.</summary>
    private async Task CheckContentsAsync(SimNode node)
    {
        var expected = node.History!.Range("", null);
        node.PendingCalls.Add(Reading);
        try
        {
            using var snapshot = node.Store!.OpenSnapshot();
            var found = new List<KeyEntry>();
            string? cursor = null;
            do
            {
                var request = new ScanRequest { Limit = _world.Random.Next(5, 60), Cursor = cursor };
                try
                {
                    var page = await snapshot.ScanAsync(request).ConfigureAwait(false);
                    found.AddRange(page.Entries);
                    cursor = page.Cursor;
                }
                catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
                {
                    await node.Delay(50).ConfigureAwait(false); // The same page again.
                    continue;
                }
                catch (Exception e)
                {
                    CheckError(node, Reading, e);
                    return;
                }

                if (cursor is null)
                {
                    Compare(node, $"all that was recovered up to {node.Recovered}", expected, found);
                    node.IsChecked = true;
                    break;
                }
            }
            while (true);
        }
        finally
        {
            node.PendingCalls.Remove(Reading);
        }
    }

    private void Compare(
        SimNode node, string what, List<KeyValuePair<string, SimEntry>> expected, IReadOnlyList<KeyEntry> found)
    {
        var wanted = expected.Select(static pair => Say(pair.Key, pair.Value));
        var got = found.Select(static entry =>
            Say(Encoding.ASCII.GetString(entry.Key.Span), ToEntry(entry.Entry)));
        if (!wanted.SequenceEqual(got))
        {
            _world.Fail(
                $"node {node.Number}, {what}: missing {string.Join(", ", wanted.Except(got).Take(5))}; "
                    + $"not expected {string.Join(", ", got.Except(wanted).Take(5))}");
        }
    }

    private static SimEntry ToEntry(Entry entry) => new(Encoding.ASCII.GetString(entry.Value.Span), entry.Version);

    private static string Say(string key, SimEntry entry) =>
        string.Create(CultureInfo.InvariantCulture, $"{key}={entry.Value.TrimEnd('.')}@{entry.Version}");

    /// <summary>Everything up to a sequence number was acknowledged as durable.</summary>
    /// <param name="node">By whom.</param>
    /// <param name="sequence">The last one.</param>
    /// <param name="began">When the call began.</param>
    /// <param name="byLog">It lies in the log; otherwise it may lie in tables.</param>
    private void CheckDurable(SimNode node, ulong sequence, long began, bool byLog)
    {
        _counts.StrictAcknowledged++;
        _world.Note($"node {node.Number}: durable up to {sequence}{(byLog ? "" : ", flushed or synced")}");
        node.Durable = Math.Max(node.Durable, sequence);
        if (byLog && sequence > node.Recovered && began > _bucket.FencedAt(node.Log!.Incarnation))
        {
            _world.Fail($"node {node.Number} acknowledged {sequence}, which it began after its log was sealed");
        }

        var lacking = _nodes.Find(other =>
            other.History is not null && other.Epoch > node.Epoch && other.Recovered < sequence);
        if (lacking is not null)
        {
            _world.Fail(
                $"node {node.Number} acknowledged {sequence} as durable: node {lacking.Number}, which has taken over, "
                    + $"recovered up to {lacking.Recovered}");
        }
    }

    /// <summary>A call failed: was it allowed to, so?</summary>
    private void CheckError(SimNode node, string what, Exception error)
    {
        var kind = (error as DmtException)?.Kind;
        var allowed = kind is DmtErrorKind.Unavailable or DmtErrorKind.Fenced
            || (kind == DmtErrorKind.Closed && node.IsEnding);
        if (!allowed)
        {
            _world.Fail($"node {node.Number}, {what}: {error}");
        }

        _counts.Refused++;
        _world.Note($"node {node.Number}, {what}: {kind}");
        if (kind is DmtErrorKind.Fenced or DmtErrorKind.Closed && node.IsUsable)
        {
            Close(node);
        }
    }

    private void CheckNothingHangs()
    {
        if (_nodes.Find(static node => !node.IsDead && node.PendingCalls.Count > 0) is { } waiting)
        {
            _world.Fail($"calls of node {waiting.Number} never return: {string.Join(", ", waiting.PendingCalls)}");
        }
    }
}
