// Many keys are read from all their shards at once, a message or few for each. Where some shards answer and others do
// not, only what is missing is asked for again.
using Dmt.Core;
using Dmt.Core.Diagnostics;
using Dmt.Core.Keys;
using Dmt.Core.Sharding;

namespace Dmt.Client;

public sealed partial class DmtClient
{
    /// <inheritdoc/>
    public async ValueTask<Entry?[]> GetManyAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        ThrowIfClosed();
        foreach (var key in keys)
        {
            Key.Validate(key.Span);
        }

        using var span = ClientSpans.Start("dmt.get_many")?.SetTag("dmt.keys", keys.Count);
        try
        {
            return await _retries.RunAsync(
                () => $"{keys.Count} keys could not be read",
                new ManyCall(keys),
                GetLeftAsync,
                RefreshAsync,
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (span.Failed(e))
        {
            throw;
        }
    }

    private async ValueTask<Entry?[]> GetLeftAsync(ManyCall call, CancellationToken cancellationToken)
    {
        var map = call.Map = await _routing.MapAsync(cancellationToken).ConfigureAwait(false);
        await Task.WhenAll(PartsOf(call, map).SelectMany(
            part => part.Value.Chunk(_callsPerMessageMax), (part, some) => GetPartAsync(part.Key, some)))
            .ConfigureAwait(false);
        return call.Entries;

        async Task GetPartAsync(uint shard, int[] part)
        {
            var keys = Array.ConvertAll(part, i => call.Keys[i]);
            var entries = await call.NoteRefusal(shard, _routing[shard].GetManyAsync(keys, cancellationToken))
                .ConfigureAwait(false);
            call.Note(part, entries);
        }
    }

    /// <summary>The indices of the keys that are left, by shard.</summary>
    private static Dictionary<uint, List<int>> PartsOf(ManyCall call, ShardMap map)
    {
        var parts = new Dictionary<uint, List<int>>();
        foreach (var i in call.Left)
        {
            var shard = map.Find(call.Keys[i].Span).Shard;
            if (!parts.TryGetValue(shard, out var part))
            {
                parts.Add(shard, part = new List<int>(parts.Count == 0 ? call.Keys.Count : 4));
            }

            part.Add(i);
        }

        return parts;
    }

    /// <summary>A call about many keys on its way. Its parts are of different keys, so they need no lock.</summary>
    private sealed class ManyCall(IReadOnlyList<ReadOnlyMemory<byte>> keys) : RoutedCall
    {
        private readonly bool[] _isRead = [.. keys.Select(static key => ReservedKeys.Contains(key.Span))];

        public IReadOnlyList<ReadOnlyMemory<byte>> Keys { get; } = keys;

        public Entry?[] Entries { get; } = new Entry?[keys.Count];

        /// <summary>The indices of keys that were not read yet.</summary>
        public IEnumerable<int> Left => Enumerable.Range(0, Keys.Count).Where(i => !_isRead[i]);

        public void Note(int[] part, Entry?[] entries)
        {
            for (var i = 0; i < part.Length; i++)
            {
                (Entries[part[i]], _isRead[part[i]]) = (entries[i], true);
            }
        }
    }
}
