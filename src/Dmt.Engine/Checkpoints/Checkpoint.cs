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
internal sealed record Checkpoint(string Name, DateTimeOffset CreatedAt, IReadOnlyList<Manifest> Manifests)
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
                tables.Sum(static t => t.Entries));
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
