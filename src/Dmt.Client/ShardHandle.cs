using Dmt.Contracts;
using Dmt.Contracts.Messages;
using Dmt.Core;

namespace Dmt.Client;

/// <summary>What the client keeps of one shard: the reference to its grain, and the calls on their way to it.</summary>
internal sealed class ShardHandle
{
    private readonly CallBatcher<ReadOnlyMemory<byte>, Entry?> _reads;
    private readonly CallBatcher<ShardWrite, WriteOutcome> _writes;

    /// <param name="grain">The shard.</param>
    /// <param name="client">Names this client to the shard; drawn at random.</param>
    /// <param name="options">Limits.</param>
    public ShardHandle(IShardGrain grain, ulong client, DmtClientOptions options)
    {
        Grain = grain;
        Numbers = new RequestNumbers(client);
        _reads = new(ReadAsync, static key => key.Length, options.MessagesMax, options.CallsPerMessageMax);
        _writes = new(
            WriteAsync,
            static write => write.Key.Length + write.Value.Length + write.Metadata.Length,
            options.MessagesMax,
            options.CallsPerMessageMax);
    }

    public IShardGrain Grain { get; }

    /// <summary>Of writes that were first sent to this shard.</summary>
    public RequestNumbers Numbers { get; }

    public ValueTask<Entry?> GetAsync(ReadOnlyMemory<byte> key, CancellationToken cancellationToken) =>
        _reads.CallAsync(key, cancellationToken);

    /// <summary>What each of the keys holds, in one message where the entries are not very large.</summary>
    public async ValueTask<Entry?[]> GetManyAsync(ReadOnlyMemory<byte>[] keys, CancellationToken cancellationToken)
    {
        var answer = await Grain.GetManyAsync(KeyList.Of(keys), cancellationToken).ConfigureAwait(false);
        var entries = answer.ToArray();
        while (entries.Length < keys.Length)
        {
            answer = await Grain.GetManyAsync(KeyList.Of(keys.AsSpan(entries.Length)), cancellationToken)
                .ConfigureAwait(false);
            entries = [.. entries, .. answer.ToArray()];
        }

        return entries;
    }

    public ValueTask<WriteOutcome> WriteAsync(ShardWrite write, CancellationToken cancellationToken) =>
        _writes.CallAsync(write, cancellationToken);

    // Not cancelled: they go on for whoever shares the message.
    private async Task<Entry?[]> ReadAsync(ReadOnlyMemory<byte>[] keys) => keys.Length == 1
        ? [await Grain.GetAsync(keys[0]).ConfigureAwait(false)]
        : await GetManyAsync(keys, CancellationToken.None).ConfigureAwait(false);

    private async Task<WriteOutcome[]> WriteAsync(ShardWrite[] writes) => writes.Length == 1
        ? [new WriteOutcome { Version = await Grain.WriteAsync(writes[0]).ConfigureAwait(false) }]
        : (await Grain.WriteManyAsync(ShardWriteList.Of(writes)).ConfigureAwait(false)).ToArray();
}
