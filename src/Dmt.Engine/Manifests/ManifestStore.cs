using System.Globalization;
using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Manifests;

/// <summary>Reads the newest manifest of a shard and writes the next one, which only one writer can.</summary>
internal sealed class ManifestStore(IObjectStore objects, uint shard)
{
    /// <summary>Old manifests that are kept, for the curious and for readers that are about to open one.</summary>
    public const int Kept = 4;

    /// <summary>The newest manifest; null for a shard that was never opened.</summary>
    /// <exception cref="DmtException">
    /// Corruption: an older manifest is never taken instead, for it would lose writes.
    /// </exception>
    public async ValueTask<Manifest?> LoadLatestAsync(CancellationToken cancellationToken)
    {
        var latest = (await ListAsync(null, cancellationToken).ConfigureAwait(false)).LastOrDefault();
        if (latest is null)
        {
            return null;
        }

        var bytes = await objects.GetAsync(latest, cancellationToken).ConfigureAwait(false)
            ?? throw DmtException.Unavailable(
                $"{latest} went away while it was opened: another process owns the shard");
        return Decode(bytes, latest);
    }

    /// <summary>The newest manifest, for who knows one that is hardly ever older: one small request finds that out.
    /// </summary>
    /// <returns>Null where none follows the known one, as far as it can be told: the one that follows it may have been
    /// deleted, long after there were newer ones.</returns>
    /// <exception cref="DmtException">Corruption; Unavailable.</exception>
    public async ValueTask<Manifest?> LoadNewerAsync(long known, CancellationToken cancellationToken)
    {
        var next = Manifest.NameOf(shard, known + 1);
        if (await objects.GetAsync(next, cancellationToken).ConfigureAwait(false) is not { } bytes)
        {
            return null;
        }

        var latest = (await ListAsync(next, cancellationToken).ConfigureAwait(false)).LastOrDefault();
        return latest is null
            || await objects.GetAsync(latest, cancellationToken).ConfigureAwait(false) is not { } newest
            ? Decode(bytes, next)
            : Decode(newest, latest);
    }

    /// <summary>
    /// Writes a manifest whose number must be the next. An earlier attempt of the same owner may have written that
    /// number though it seemed to fail; then this one takes the number after it.
    /// </summary>
    /// <returns>The manifest as it was written.</returns>
    /// <exception cref="DmtException">Fenced when another process has written that number.</exception>
    public async ValueTask<Manifest> WriteAsync(Manifest manifest, CancellationToken cancellationToken)
    {
        while (true)
        {
            var name = manifest.ObjectName;
            if (await objects.TryCreateAsync(name, ManifestCodec.Encode(manifest), cancellationToken)
                .ConfigureAwait(false))
            {
                // Old manifests are deleted, so a number may be free because it is long past: whoever was stalled that
                // long must not take it for the next.
                await ThrowIfSupersededAsync(manifest, cancellationToken).ConfigureAwait(false);
                return manifest;
            }

            var bytes = await objects.GetAsync(name, cancellationToken).ConfigureAwait(false);
            var found = bytes is null ? null : ManifestCodec.Decode(bytes, name);
            if (found is null || !found.IsOf(manifest))
            {
                throw TakenOver(manifest);
            }

            manifest = manifest with { Number = manifest.Number + 1 };
        }
    }

    /// <exception cref="DmtException">
    /// Fenced when the newest manifest is not that of the owner of this one.
    /// </exception>
    public async ValueTask ThrowIfTakenOverAsync(Manifest manifest, CancellationToken cancellationToken)
    {
        // An owner is more than its number: it may have written later ones without knowing that it succeeded.
        var newest = await LoadLatestAsync(cancellationToken).ConfigureAwait(false);
        if (newest is null || !newest.IsOf(manifest))
        {
            throw TakenOver(manifest);
        }
    }

    /// <exception cref="DmtException">Fenced when there is a later manifest than this one.</exception>
    private async ValueTask ThrowIfSupersededAsync(Manifest manifest, CancellationToken cancellationToken)
    {
        var later = objects.ListAsync(Manifest.Folder(shard), manifest.ObjectName, cancellationToken);
        await foreach (var info in later.ConfigureAwait(false))
        {
            throw TakenOver(manifest);
        }
    }

    /// <summary>The manifest that need not be kept once <paramref name="current"/> is written; none early on.</summary>
    public static IReadOnlyList<string> Superseded(uint shard, long current) =>
        current > Kept ? [Manifest.NameOf(shard, current - Kept)] : [];

    /// <summary>The error of an owner whose place another process has taken.</summary>
    public static DmtException TakenOver(Manifest mine) => new(
        DmtErrorKind.Fenced,
        $"manifest {mine.Number} of shard {mine.Shard} or one after it is another's: "
            + $"another process has taken the shard over from {mine.Incarnation}");

    private static Manifest Decode(byte[] bytes, string name)
    {
        var manifest = ManifestCodec.Decode(bytes, name);
        return manifest.ObjectName == name
            ? manifest
            : throw DmtException.Corruption(name, 0, $"it says that it is {manifest.ObjectName}");
    }

    private async ValueTask<List<string>> ListAsync(string? after, CancellationToken cancellationToken)
    {
        var folder = Manifest.Folder(shard);
        var names = new List<string>();
        await foreach (var info in objects.ListAsync(folder, after, cancellationToken).ConfigureAwait(false))
        {
            var digits = info.Name[folder.Length..];
            if (digits.Length == 16 && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                names.Add(info.Name);
            }
        }

        return names;
    }
}
