// How the members of a cluster lie in an object store
// ---------------------------------------------------
// The whole table is one small object for each of its versions, written once:
//
//     {prefix}/{cluster}/membership/{version:D16}         version n: every silo's row
//     {prefix}/{cluster}/alive/{silo}/{milliseconds:D16}  an empty object: the silo was alive then
//
// Whoever read version n writes version n+1, and only if there is none: of any number of racing writers one wins, and
// what it wrote is n with one change. So table version and rows are always read and replaced as one, and no update is
// lost, with create-if-absent as the only condition that the store must know.
//
// Signs of life must neither bump the version nor race with anybody, so they are objects of their own. Their time is in
// their name: one listing shows the newest version and every silo's last sign of life, and where no version is new
// nothing else is asked. A sign of life replaces the one before it.
//
// Old versions are deleted by the writer, all but the last `Kept`. Hence two invariants:
//   - A reader that listed version n finds it, unless `Kept` more were written meanwhile; then it lists again.
//   - A number may be free because it is long past. A writer that was stalled for so long would create it, below the
//     newest. So it lists after creating: version n can have been deleted only once n + Kept was there. Where a listing
//     shows nothing as late as that, n was the newest when it was created. Where it does, the writer cannot tell: it
//     deletes what nobody needs any more in either case, and says so; its caller reads the table again.
//
// A create whose outcome is in doubt is read back: every version carries an id that its writer made up for it.
using System.Collections.Concurrent;
using System.Globalization;
using Dmt.Core;
using Dmt.Engine.Objects;
using Microsoft.Extensions.Logging;

namespace Dmt.Grains.Membership;

/// <summary>The objects of one cluster's membership table. Safe for concurrent use.</summary>
internal sealed partial class MembershipObjects
{
    /// <summary>Versions that are kept, the newest included.</summary>
    public const int Kept = 10;

    private const int ReadAttempts = 10;

    private readonly IObjectStore _store;
    private readonly ILogger _log;
    private readonly string _root;
    private readonly string _versions;
    private readonly string _alive;

    /// <summary>Each silo's newest sign of life that was written here.</summary>
    private readonly ConcurrentDictionary<SiloAddress, string> _lastAlive = new();

    private volatile Cached? _cached;

    /// <exception cref="DmtException">InvalidArgument where the prefix makes no object names.</exception>
    public MembershipObjects(IObjectStore store, string prefix, string clusterId, ILogger log)
    {
        (_store, _log) = (store, log);
        _root = $"{prefix}/{NameSegment.Escape(clusterId)}/";
        (_versions, _alive) = (_root + "membership/", _root + "alive/");
        ObjectName.Validate(_versions + Digits(0));
    }

    /// <summary>The newest version, and when each silo last gave a sign of life where it did.</summary>
    public async Task<(MembershipSnapshot Table, IReadOnlyDictionary<string, DateTime> Alive)> ReadAsync(
        CancellationToken cancellationToken = default)
    {
        for (var attempt = 0; attempt < ReadAttempts; attempt++)
        {
            var listing = await ListAsync(_root, cancellationToken);
            if (await GetAsync(listing.Newest, cancellationToken) is { } table)
            {
                return (table, listing.Alive);
            }
        }

        throw WentAway();
    }

    /// <summary>The newest version alone.</summary>
    public async Task<MembershipSnapshot> ReadTableAsync(CancellationToken cancellationToken = default)
    {
        for (var attempt = 0; attempt < ReadAttempts; attempt++)
        {
            var listing = await ListAsync(_versions, cancellationToken);
            if (await GetAsync(listing.Newest, cancellationToken) is { } table)
            {
                return table;
            }
        }

        throw WentAway();
    }

    /// <summary>A version that was read before; null where it has been deleted since.</summary>
    public async Task<MembershipSnapshot?> ReadVersionAsync(int version, CancellationToken cancellationToken = default)
    {
        if (version == 0)
        {
            return MembershipSnapshot.Empty;
        }

        if (_cached is { } cached && cached.Table.Version == version)
        {
            return cached.Table;
        }

        var name = NameOf(version);
        return await _store.GetAsync(name, cancellationToken) is { } bytes
            ? MembershipCodec.Decode(bytes, name, version)
            : null;
    }

    /// <summary>Writes the version after the one that <paramref name="next"/> was made of.</summary>
    /// <returns>False where somebody else wrote that version.</returns>
    /// <exception cref="DmtException">
    /// Unavailable: it may have been written, or may yet be; read the table again.
    /// </exception>
    public async Task<bool> TryWriteAsync(MembershipSnapshot next, CancellationToken cancellationToken = default)
    {
        var name = NameOf(next.Version);
        if (!await TryCreateAsync(name, next, cancellationToken))
        {
            return false;
        }

        var listing = await ListAsync(_versions, cancellationToken);
        if (listing.Newest.Version - next.Version >= Kept)
        {
            await DeleteAsync([name]);
            throw DmtException.Unavailable(
                $"{name} was written, but there is {NameOf(listing.Newest.Version)} already: "
                + "this process was stalled for so long that it cannot tell whether its update counts");
        }

        await DeleteAsync(listing.Versions.Where(version => version <= next.Version - Kept).Select(NameOf));
        return true;
    }

    /// <summary>Says that the silo was alive at <paramref name="at"/>, in place of what was said before.</summary>
    public async Task PutAliveAsync(SiloAddress silo, DateTime at, CancellationToken cancellationToken = default)
    {
        var milliseconds = Math.Max(0, (at - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMillisecond);
        var name = $"{_alive}{NameSegment.Escape(silo.ToParsableString())}/{Digits(milliseconds)}";
        await _store.PutAsync(name, ReadOnlyMemory<byte>.Empty, cancellationToken);
        var before = name;
        _lastAlive.AddOrUpdate(silo, name, (_, last) =>
        {
            before = last;
            return name;
        });

        if (before != name)
        {
            await DeleteAsync([before]);
        }
    }

    /// <summary>Deletes signs of life that count no more: replaced ones, and old ones of silos without a row.</summary>
    /// <param name="table">The rows that there are.</param>
    /// <param name="before">What is older than this is old.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public async Task DeleteOldAliveAsync(
        MembershipSnapshot table, DateTime before, CancellationToken cancellationToken = default)
    {
        var rows = table.Rows.Select(static row => NameSegment.Escape(row.Address)).ToHashSet();
        List<string> old = [];
        (string Silo, string Name)? last = null;
        await foreach (var info in _store.ListAsync(_alive, null, cancellationToken))
        {
            if (ParseAlive(info.Name) is not { } sign)
            {
                continue;
            }

            // Names of one silo come in the order of their times.
            if (last is { } replaced && replaced.Silo == sign.Silo)
            {
                old.Add(replaced.Name);
            }

            last = (sign.Silo, info.Name);
            if (!rows.Contains(sign.Silo) && sign.At < before)
            {
                old.Add(info.Name);
                last = null;
            }
        }

        await DeleteAsync(old);
    }

    /// <summary>Deletes everything of this cluster. Only for a cluster that is down.</summary>
    public async Task DeleteAllAsync(CancellationToken cancellationToken = default)
    {
        List<string> names = [];
        await foreach (var info in _store.ListAsync(_root, null, cancellationToken))
        {
            names.Add(info.Name);
        }

        _cached = null;
        await _store.DeleteAsync(names, cancellationToken);
    }

    private static string Digits(long number) => number.ToString("D16", CultureInfo.InvariantCulture);

    private static bool TryParseDigits(ReadOnlySpan<char> text, out long number)
    {
        number = 0;
        return text.Length == 16 && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private string NameOf(int version) => _versions + Digits(version);

    private async Task<bool> TryCreateAsync(
        string name, MembershipSnapshot next, CancellationToken cancellationToken)
    {
        try
        {
            return await _store.TryCreateAsync(name, MembershipCodec.Encode(next), cancellationToken);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
        {
            var found = await _store.GetAsync(name, cancellationToken);
            if (found is null)
            {
                throw;
            }

            LogDoubt(name, e.Message);
            return MembershipCodec.Decode(found, name, next.Version).Writer == next.Writer;
        }
    }

    private async Task<MembershipSnapshot?> GetAsync(
        (int Version, DateTimeOffset Written) wanted, CancellationToken cancellationToken)
    {
        if (wanted.Version == 0)
        {
            return MembershipSnapshot.Empty;
        }

        // The time, too: the number alone comes back where somebody deleted the table and began anew.
        if (_cached is { } cached && cached.Table.Version == wanted.Version && cached.Written == wanted.Written)
        {
            return cached.Table;
        }

        var name = NameOf(wanted.Version);
        if (await _store.GetAsync(name, cancellationToken) is not { } bytes)
        {
            return null;
        }

        var table = MembershipCodec.Decode(bytes, name, wanted.Version);
        _cached = new Cached(table, wanted.Written);
        return table;
    }

    private async Task<Listing> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        var listing = new Listing([], default, []);
        await foreach (var info in _store.ListAsync(prefix, null, cancellationToken))
        {
            if (ParseAlive(info.Name) is { } sign)
            {
                listing.Alive[sign.Silo] = sign.At;
            }
            else if (ParseVersion(info.Name) is { } version)
            {
                listing.Versions.Add(version);
                listing = listing with { Newest = (version, info.LastModified) };
            }
        }

        return listing;
    }

    private int? ParseVersion(string name) =>
        name.StartsWith(_versions, StringComparison.Ordinal)
        && TryParseDigits(name.AsSpan(_versions.Length), out var number) && number is > 0 and <= int.MaxValue
            ? (int)number
            : null;

    private (string Silo, DateTime At)? ParseAlive(string name)
    {
        var slash = name.LastIndexOf('/');
        return name.StartsWith(_alive, StringComparison.Ordinal) && slash > _alive.Length
            && TryParseDigits(name.AsSpan(slash + 1), out var milliseconds)
            && milliseconds <= (DateTime.MaxValue - DateTime.UnixEpoch).TotalMilliseconds
                ? (name[_alive.Length..slash], DateTime.UnixEpoch.AddMilliseconds(milliseconds))
                : null;
    }

    /// <summary>What is left behind costs space until the next writer finds it, no more.</summary>
    private async Task DeleteAsync(IEnumerable<string> names)
    {
        List<string> all = [.. names];
        if (all.Count == 0)
        {
            return;
        }

        try
        {
            await _store.DeleteAsync(all);
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.Unavailable)
        {
            LogNotDeleted(all.Count, all[0], e.Message);
        }
    }

    private DmtException WentAway() => DmtException.Unavailable(
        $"{_versions} in {_store.Description}: {ReadAttempts} times in a row the newest version was deleted "
        + "before it could be read");

    [LoggerMessage(LogLevel.Warning, "The reply to the creation of {Name} was lost ({Reason}); it was read back")]
    private partial void LogDoubt(string name, string reason);

    [LoggerMessage(LogLevel.Warning, "{Count} old objects, {First} first, could not be deleted now: {Reason}")]
    private partial void LogNotDeleted(int count, string first, string reason);

    private sealed record Cached(MembershipSnapshot Table, DateTimeOffset Written);

    private sealed record Listing(
        List<int> Versions, (int Version, DateTimeOffset Written) Newest, Dictionary<string, DateTime> Alive);
}
