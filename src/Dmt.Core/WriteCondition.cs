namespace Dmt.Core;

/// <summary>What must hold for a single write to happen (compare-and-set); checked and applied as one step.</summary>
public readonly record struct WriteCondition
{
    private WriteCondition(Kinds kind, ulong version) => (Kind, Version) = (kind, version);

    /// <summary>What the condition asks of the key.</summary>
    public enum Kinds : byte
    {
        None,
        Absent,
        Present,
        VersionIs,
    }

    /// <summary>No condition.</summary>
    public static WriteCondition None => default;

    /// <summary>The key must not exist.</summary>
    public static WriteCondition Absent { get; } = new(Kinds.Absent, 0);

    /// <summary>The key must exist, in whatever version.</summary>
    public static WriteCondition Present { get; } = new(Kinds.Present, 0);

    public Kinds Kind { get; }

    /// <summary>For <see cref="Kinds.VersionIs"/>: the version that the key must have.</summary>
    public ulong Version { get; }

    /// <summary>The key must exist in exactly this version (see <see cref="Entry.Version"/>).</summary>
    public static WriteCondition VersionIs(ulong version) => new(Kinds.VersionIs, version);
}
