// Asks a store, before anything is entrusted to it, for what the engine builds on:
//
//   1. create if absent takes a fresh name;
//   2. a second create of that name is refused, while a listing and a ranged read already show the first;
//   3. what is there is what the first wrote;
//   4. what is deleted is gone, from reads and listings.
//
// Steps wait for one another only where they must: the start of a process waits for four answers in a row.
using System.Text;
using Dmt.Core;

namespace Dmt.Engine.Objects;

/// <summary>The check that a store keeps <see cref="IObjectStore"/>'s promises, made at every start.</summary>
public static class ObjectStoreProbe
{
    /// <summary>Where probes lie. What a failed probe leaves here may be deleted.</summary>
    public const string Folder = "probe/";

    private const string WhyCreate =
        "DMT decides by it who owns a shard: without it two owners could both believe that they own the same shard, "
        + "and acknowledged writes would be lost";

    private const string WhyRead = "a shard that is opened after a crash would miss acknowledged writes";

    private const string WhyDelete = "garbage would never be freed";

    /// <summary>Probes <paramref name="store"/> with one small object, which it deletes again.</summary>
    /// <param name="store">The store.</param>
    /// <param name="id">A name segment that nobody used before, as an incarnation is.</param>
    /// <param name="cancellationToken">Ends the probe; its object may stay behind.</param>
    /// <exception cref="DmtException">Unavailable: what was expected, what was seen, and why it matters.</exception>
    public static async Task RunAsync(IObjectStore store, string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        var name = Folder + id;
        ObjectName.Validate(name);
        var first = Encoding.ASCII.GetBytes("first " + id);
        var second = Encoding.ASCII.GetBytes("other " + id);
        Require(await store.TryCreateAsync(name, first, cancellationToken).ConfigureAwait(false),
            store, $"create-if-absent of the fresh name {name} was refused as if the object were there", WhyCreate);

        var again = store.TryCreateAsync(name, second, cancellationToken).AsTask();
        var listed = FindAsync(store, name, cancellationToken);
        var range = ReadRangeAsync(store, name, first.Length, cancellationToken);
        await Task.WhenAll(again, listed, range).ConfigureAwait(false);
        Require(!await again.ConfigureAwait(false), store,
            $"a second create-if-absent of {name} succeeded although the object was there", WhyCreate);

        var content = await store.GetAsync(name, cancellationToken).ConfigureAwait(false);
        Require(content is not null, store, $"{name}, which was just created, is not there", WhyRead);
        Require(!content.AsSpan().SequenceEqual(second), store,
            $"a second create-if-absent of {name} was refused and yet replaced the content", WhyCreate);
        Require(content.AsSpan().SequenceEqual(first), store, $"{name} does not hold what was written", WhyRead);
        Require((await range.ConfigureAwait(false)).AsSpan().SequenceEqual(first.AsSpan(1, first.Length - 2)), store,
            $"a ranged read of {name} returned other bytes than were written", WhyRead);
        var length = (await listed.ConfigureAwait(false))?.Length;
        Require(length is not null, store, $"a listing does not show {name}, which was just created", WhyRead);
        Require(length == first.Length, store,
            $"a listing shows {name} with {length} bytes instead of {first.Length}", WhyRead);

        await store.DeleteAsync([name], cancellationToken).ConfigureAwait(false);
        var gone = store.GetAsync(name, cancellationToken).AsTask();
        var unlisted = FindAsync(store, name, cancellationToken);
        await Task.WhenAll(gone, unlisted).ConfigureAwait(false);
        Require(await gone.ConfigureAwait(false) is null, store,
            $"{name} is still there after its deletion", WhyDelete);
        Require(await unlisted.ConfigureAwait(false) is null, store,
            $"a listing shows {name} after its deletion", WhyDelete);
    }

    private static async Task<ObjectInfo?> FindAsync(
        IObjectStore store, string name, CancellationToken cancellationToken)
    {
        await foreach (var info in store.ListAsync(name, null, cancellationToken).ConfigureAwait(false))
        {
            if (info.Name == name)
            {
                return info;
            }
        }

        return null;
    }

    private static async Task<byte[]> ReadRangeAsync(
        IObjectStore store, string name, int length, CancellationToken cancellationToken)
    {
        var reader = store.OpenRead(name, length);
        await using (reader.ConfigureAwait(false))
        {
            var buffer = new byte[length - 2];
            try
            {
                await reader.ReadAsync(1, buffer, cancellationToken).ConfigureAwait(false);
            }
            catch (DmtException e) when (e.Kind == DmtErrorKind.Corruption)
            {
                throw Refused(
                    store, $"a ranged read of {name}, which was just created, failed: {e.Message}", WhyRead, e);
            }

            return buffer;
        }
    }

    private static void Require(bool holds, IObjectStore store, string seen, string why)
    {
        if (!holds)
        {
            throw Refused(store, seen, why, null);
        }
    }

    private static DmtException Refused(IObjectStore store, string seen, string why, Exception? inner) =>
        DmtException.Unavailable($"{store.Description} cannot hold a DMT store: {seen}; {why}", inner);
}
