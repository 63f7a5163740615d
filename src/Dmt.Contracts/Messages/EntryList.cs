using Dmt.Core;

namespace Dmt.Contracts.Messages;

/// <summary>What keys hold, in one piece.</summary>
[GenerateSerializer, Immutable, Alias("dmt.entry-list")]
public readonly record struct EntryList
{
    private const byte IsThere = 1;
    private const byte HasMetadata = 2;
    private const byte Expires = 4;

    [Id(0)]
    public int Count { get; init; }

    /// <summary>
    /// Of each a byte of flags, 0 for a key that is absent; else its version, its value, its metadata where it has any
    /// and when it expires, in Unix milliseconds, where it does.
    /// </summary>
    [Id(1)]
    public ReadOnlyMemory<byte> Encoded { get; init; }

    /// <summary>The entries, with bytes of their own: who keeps one does not keep the message.</summary>
    /// <exception cref="DmtException">InvalidArgument where that is not what it holds.</exception>
    public Entry?[] ToArray()
    {
        var from = new FlatReader(Encoded, "a list of entries");
        var entries = from.Array<Entry?>(Count);
        for (var i = 0; i < entries.Length; i++)
        {
            var flags = from.Byte();
            if ((flags & IsThere) == 0)
            {
                continue;
            }

            var version = from.Number();
            var value = from.Bytes().ToArray();
            entries[i] = new Entry(
                value,
                version,
                (flags & HasMetadata) != 0 ? from.Bytes().ToArray() : default,
                (flags & Expires) != 0 ? DateTimeOffset.FromUnixTimeMilliseconds((long)from.Number()) : null);
        }

        return entries;
    }

    /// <summary>Makes one, entry by entry.</summary>
    public sealed class Builder(int capacity)
    {
        private readonly FlatWriter _to = new(capacity);
        private int _count;

        /// <summary>Bytes so far.</summary>
        public int Bytes => _to.Written.Length;

        public void Add(Entry? entry)
        {
            _count++;
            if (entry is not { } there)
            {
                _to.Byte(0);
                return;
            }

            _to.Byte((byte)(IsThere
                | (there.Metadata.IsEmpty ? 0 : HasMetadata)
                | (there.ExpiresAt is null ? 0 : Expires)));
            _to.Number(there.Version);
            _to.Bytes(there.Value.Span);
            if (!there.Metadata.IsEmpty)
            {
                _to.Bytes(there.Metadata.Span);
            }

            if (there.ExpiresAt is { } expiresAt)
            {
                _to.Number((ulong)expiresAt.ToUnixTimeMilliseconds());
            }
        }

        public EntryList Build() => new() { Count = _count, Encoded = _to.Written };
    }
}
