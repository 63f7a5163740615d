using System.Buffers;
using Dmt.Core;
using Dmt.Engine.Manifests;

namespace Dmt.Engine.Checkpoints;

/// <summary>
/// A named state of the store that is kept: as long as the object exists, so do the tables that it names. It needs no
/// log: everything in it was flushed first. Byte layout in docs/formats/checkpoint.md.
/// </summary>
/// <param name="Name">1 to 64 of a-z A-Z 0-9 - _ .</param>
/// <param name="CreatedAt">By the clock of who made it; to the millisecond.</param>
/// <param name="Manifests">A whole manifest of each shard, so that the manifests themselves may go.</param>
/// <param name="ClonedTo">
/// For a pin (see StoreClone.cs), the root of the clone that needs it; null for others.
/// </param>
internal sealed record Checkpoint(
    string Name, DateTimeOffset CreatedAt, IReadOnlyList<Manifest> Manifests, string? ClonedTo = null)
{
    public const string Folder = "checkpoints/";

    private const int NameCharsMax = 64;

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

    public string ObjectName => NameOf(Name);

    public CheckpointInfo Info
    {
        get
        {
            var tables = Manifests.SelectMany(static m => m.Levels).SelectMany(static level => level).ToList();
            return new CheckpointInfo(
                Name,
                CreatedAt,
                Manifests.Max(static m => m.FlushedSequence),
                tables.Count,
                tables.Sum(static t => t.Length),
                tables.Sum(static t => t.Entries))
            {
                ClonedTo = ClonedTo,
            };
        }
    }

    /// <summary>The pin of a clone; null for another checkpoint, and for one that cannot be read.</summary>
    public static Checkpoint? TryDecodePin(ReadOnlySpan<byte> bytes, string name)
    {
        try
        {
            return CheckpointCodec.Decode(bytes, NameOf(name)) is { ClonedTo: not null } pin ? pin : null;
        }
        catch (DmtException e) when (e.Kind is DmtErrorKind.Corruption or DmtErrorKind.Unavailable)
        {
            return null; // One that is damaged must be deletable: it stands in the way of every collection.
        }
    }

    public static string NameOf(string name) => Folder + name;

    /// <exception cref="DmtException">InvalidArgument, naming the name and the rule that it breaks.</exception>
    public static void ValidateName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length is 0 or > NameCharsMax || name is "." or ".." || name.AsSpan().ContainsAnyExcept(Allowed))
        {
            throw DmtException.InvalidArgument(
                $"\"{name}\" is no name for a checkpoint: expected 1 to {NameCharsMax} of a-z A-Z 0-9 - _ . and not "
                + "\".\" or \"..\"");
        }
    }
}
