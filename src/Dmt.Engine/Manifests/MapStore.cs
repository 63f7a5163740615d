using System.Buffers.Binary;
using System.Globalization;
using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine.Checksums;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Manifests;

/// <summary>
/// The versions of the shard map: numbered objects, created only if absent, with a CRC-32C of all before at their end.
/// Anybody may write the next one: what it says follows from the manifests, which are fenced, and every change can be
/// made again. Safe for concurrent use.
/// </summary>
internal sealed class MapStore(IObjectStore objects)
{
    /// <summary>Old versions that are kept for readers that are about to open one.</summary>
    private const int Kept = 4;

    /// <summary>Listed names behind the one that is known; more are listed only where there are more.</summary>
    private long _known;

    /// <summary>The newest version; <see cref="ShardMap.Initial"/> where none was written.</summary>
    /// <exception cref="DmtException">Corruption; Unavailable.</exception>
    public async ValueTask<ShardMap> LoadLatestAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var latest = Volatile.Read(ref _known);
            var after = latest > 0 ? ShardMap.NameOf(latest) : null;
            await foreach (var info in objects.ListAsync(ShardMap.Folder, after, cancellationToken)
                .ConfigureAwait(false))
            {
                latest = NumberOf(info.Name) ?? latest;
            }

            if (latest == 0)
            {
                return ShardMap.Initial;
            }

            Volatile.Write(ref _known, latest);
            if (await TryLoadAsync(latest, cancellationToken).ConfigureAwait(false) is { } map)
            {
                return map;
            }

            // Others have written several since, and deleted it: from the beginning.
            Volatile.Write(ref _known, 0);
        }
    }

    /// <summary>Makes a change to whatever is the newest version.</summary>
    /// <param name="change">Returns the next version, or its argument where there is nothing to change.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="check">Throws where whoever changes has no right to; null where anybody has. It is asked after the
    /// newest version was read and before the next is tried: whoever gets the right later sees what is written now, or
    /// is first, and then this one is tried, and checked, again.</param>
    /// <returns>The newest version.</returns>
    public async ValueTask<ShardMap> UpdateAsync(
        Func<ShardMap, ShardMap> change,
        CancellationToken cancellationToken,
        Func<CancellationToken, ValueTask>? check = null)
    {
        while (true)
        {
            var latest = await LoadLatestAsync(cancellationToken).ConfigureAwait(false);
            var next = change(latest);
            if (ReferenceEquals(next, latest))
            {
                return latest;
            }

            // However many changes it is: whoever skipped a number would not notice that another has taken it.
            next = next.AsNextOf(latest);

            if (check is not null)
            {
                await check(cancellationToken).ConfigureAwait(false);
            }

            // Old versions are deleted, so a number may be free because it is long past: whoever was stalled that long
            // must not take it for the next, or give away numbers that others have.
            if (await objects.TryCreateAsync(next.ObjectName, Encode(next), cancellationToken).ConfigureAwait(false)
                && !await HasLaterAsync(next, cancellationToken).ConfigureAwait(false))
            {
                Volatile.Write(ref _known, next.Version);
                if (next.Version > Kept)
                {
                    await objects.DeleteAsync([ShardMap.NameOf(next.Version - Kept)], cancellationToken)
                        .ConfigureAwait(false);
                }

                return next;
            }
        }
    }

    private async ValueTask<bool> HasLaterAsync(ShardMap map, CancellationToken cancellationToken)
    {
        await foreach (var info in objects.ListAsync(ShardMap.Folder, map.ObjectName, cancellationToken)
            .ConfigureAwait(false))
        {
            return true;
        }

        return false;
    }

    private async ValueTask<ShardMap?> TryLoadAsync(long version, CancellationToken cancellationToken)
    {
        var name = ShardMap.NameOf(version);
        if (await objects.GetAsync(name, cancellationToken).ConfigureAwait(false) is not { } bytes)
        {
            return null;
        }

        if (bytes.Length < sizeof(uint)
            || Crc32C.Compute(bytes.AsSpan(..^sizeof(uint)))
                != BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(^sizeof(uint)..)))
        {
            throw DmtException.Corruption(
                name, Math.Max(0, bytes.Length - sizeof(uint)), "the checksum of the shard map is wrong");
        }

        var map = ShardMapCodec.Decode(bytes.AsSpan(..^sizeof(uint)), name);
        return map.Version == version ? map
            : throw DmtException.Corruption(name, 0, $"it says that it is version {map.Version}");
    }

    private static byte[] Encode(ShardMap map)
    {
        byte[] bytes = [.. ShardMapCodec.Encode(map), 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32LittleEndian(
            bytes.AsSpan(^sizeof(uint)..), Crc32C.Compute(bytes.AsSpan(..^sizeof(uint))));
        return bytes;
    }

    private static long? NumberOf(string name) =>
        name.Length == ShardMap.Folder.Length + 16
        && long.TryParse(
            name.AsSpan(ShardMap.Folder.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
