using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Tests.Torture;

internal sealed partial class ModelRun
{
    private async Task GetAsync(byte[] key) => Same(_model.Get(key, NowMs), await _store.GetAsync(key), key);

    private async Task CountAsync(KeyRange range) =>
        Assert.Equal(_model.Walk(range, false, NowMs).LongCount(), await _store.CountAsync(range));

    /// <summary>Up to three pages, each after a look at the one before.</summary>
    private Task PagesAsync(RandomInput input, KeyRange range) =>
        PagesAsync(input, range, _model, request => _store.ScanAsync(request));

    private async Task PagesAsync(
        RandomInput input, KeyRange range, Model model, Func<ScanRequest, ValueTask<ScanPage>> scan)
    {
        var request = new ScanRequest
        {
            Range = range,
            Reverse = input.Next(2) == 0,
            Limit = 1 + input.Next(input.Next(10) == 0 ? 2000 : 30),
            KeysOnly = input.Next(5) == 0,
        };
        using var rows = model.Walk(range, request.Reverse, NowMs).GetEnumerator();
        var more = rows.MoveNext();
        for (var pages = 0; pages < 3; pages++)
        {
            var page = await scan(request);
            foreach (var (key, entry) in page.Entries)
            {
                Assert.True(more, $"{Key.ToDisplay(key.Span)} is too much");
                Assert.Equal(Key.ToDisplay(rows.Current.Key), Key.ToDisplay(key.Span));
                Same(request.KeysOnly ? rows.Current with { Value = [] } : rows.Current, entry, rows.Current.Key);
                more = rows.MoveNext();
            }

            Assert.Equal(more, page.Cursor is not null);
            if (page.Cursor is null)
            {
                return;
            }

            request = request with { Cursor = page.Cursor };
        }
    }

    private void OpenIterator(RandomInput input)
    {
        if (_iterators.Count < IteratorsMax)
        {
            var (range, reverse) = (input.Range(), input.Next(2) == 0);
            var rows = _model.Copy().Walk(range, reverse, NowMs).GetEnumerator();
            _iterators.Add((_store.OpenScan(range, reverse), rows));
        }
    }

    private async Task StepIteratorAsync(RandomInput input)
    {
        if (_iterators.Count == 0)
        {
            return;
        }

        var (scan, rows) = _iterators[input.Next(_iterators.Count)];
        for (var steps = input.Next(20); steps > 0; steps--)
        {
            var more = rows.MoveNext();
            Assert.Equal(more, await scan.MoveNextAsync());
            if (!more)
            {
                return;
            }

            Assert.Equal(Key.ToDisplay(rows.Current.Key), Key.ToDisplay(scan.Key));
            Same(rows.Current, scan.CopyEntry(), rows.Current.Key);
        }
    }

    private void CloseIterator(RandomInput input)
    {
        if (_iterators.Count > 0)
        {
            var at = input.Next(_iterators.Count);
            _iterators[at].Scan.Dispose();
            _iterators.RemoveAt(at);
        }
    }

    private void OpenSnapshot()
    {
        if (_snapshots.Count < SnapshotsMax)
        {
            var snapshot = _store.OpenSnapshot();
            Assert.Equal(_model.Version, snapshot.Version);
            _snapshots.Add((snapshot, _model.Copy()));
        }
    }

    private async Task ReadSnapshotAsync(RandomInput input)
    {
        if (_snapshots.Count == 0)
        {
            return;
        }

        var (snapshot, model) = _snapshots[input.Next(_snapshots.Count)];
        switch (input.Next(8))
        {
            case 0:
                await PagesAsync(input, input.Range(), model, request => snapshot.ScanAsync(request));
                break;
            case 1:
                var range = input.Range();
                Assert.Equal(model.Walk(range, false, NowMs).LongCount(), await snapshot.CountAsync(range));
                break;
            default:
                var key = input.Key();
                Same(model.Get(key, NowMs), await snapshot.GetAsync(key), key);
                break;
        }
    }

    private void CloseSnapshot(RandomInput input)
    {
        if (_snapshots.Count > 0)
        {
            var at = input.Next(_snapshots.Count);
            _snapshots[at].Snapshot.Dispose();
            _snapshots.RemoveAt(at);
        }
    }

    private void CloseReaders()
    {
        _iterators.ForEach(static iterator => iterator.Scan.Dispose());
        _iterators.Clear();
        _snapshots.ForEach(static snapshot => snapshot.Snapshot.Dispose());
        _snapshots.Clear();
    }

    private async Task CheckEverythingAsync()
    {
        foreach (var reverse in (bool[])[false, true])
        {
            using var scan = _store.OpenScan(KeyRange.All, reverse);
            foreach (var row in _model.Walk(KeyRange.All, reverse, NowMs))
            {
                Assert.True(await scan.MoveNextAsync(), $"{Key.ToDisplay(row.Key)} is missing");
                Assert.Equal(Key.ToDisplay(row.Key), Key.ToDisplay(scan.Key));
                Same(row, scan.CopyEntry(), row.Key);
                Same(row, await _store.GetAsync(row.Key), row.Key);
            }

            Assert.False(await scan.MoveNextAsync());
        }
    }

    private static void Same(ModelRow? expected, Entry? actual, byte[] key)
    {
        if (expected is null || actual is not { } found)
        {
            Assert.True(
                expected is null && actual is null,
                $"\"{Key.ToDisplay(key)}\": expected {expected?.Version ?? 0}, found version {actual?.Version ?? 0} "
                    + $"(0 is absent)");
            return;
        }

        var expiresAt = expected.ExpiresAtMs == 0 ? (DateTimeOffset?)null
            : DateTimeOffset.FromUnixTimeMilliseconds(expected.ExpiresAtMs);
        Assert.True(
            expected.Version == found.Version && expiresAt == found.ExpiresAt
            && expected.Value.AsSpan().SequenceEqual(found.Value.Span)
            && expected.Metadata.AsSpan().SequenceEqual(found.Metadata.Span),
            $"\"{Key.ToDisplay(key)}\": expected version {expected.Version}, {expected.Value.Length} bytes, found "
                + $"{found.Version}, "
            + $"{found.Value.Length} bytes, or other bytes, metadata or expiry");
    }
}
