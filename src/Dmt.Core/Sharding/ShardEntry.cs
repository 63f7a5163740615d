using Dmt.Core.Keys;

namespace Dmt.Core.Sharding;

/// <summary>A shard and the prefix that all its keys begin with. Immutable; equal by number and bytes.</summary>
public sealed class ShardEntry : IEquatable<ShardEntry>
{
    private readonly byte[] _prefix;
    private readonly byte[]? _end;

    /// <summary>Takes over <paramref name="prefix"/>: all maps share it, so it must never change.</summary>
    internal ShardEntry(uint shard, byte[] prefix)
    {
        (Shard, _prefix) = (shard, prefix);
        _end = KeyRange.PrefixEnd(prefix)?.ToArray();
    }

    /// <summary>The shard's number, from 1 (the root); never given to another shard.</summary>
    public uint Shard { get; }

    /// <summary>0 (the root) to 1,024 bytes.</summary>
    public ReadOnlyMemory<byte> Prefix => _prefix;

    /// <summary>Every key under the prefix, those of the shards below it included.</summary>
    public KeyRange Range => new(_prefix, _end is null ? null : (ReadOnlyMemory<byte>?)_end);

    internal byte[] PrefixBytes => _prefix;

    /// <summary>The first key after the prefix; null where there is none.</summary>
    internal byte[]? EndBytes => _end;

    public bool Equals(ShardEntry? other) =>
        other is not null && Shard == other.Shard && _prefix.AsSpan().SequenceEqual(other._prefix);

    public override bool Equals(object? obj) => Equals(obj as ShardEntry);

    public override int GetHashCode() => Shard.GetHashCode();

    public override string ToString() => $"shard {Shard} \"{Key.ToDisplay(_prefix)}\"";
}
