using System.Globalization;
using System.Text.Json.Serialization;

namespace Dmt.Grains.Membership;

/// <summary>One version of the table.</summary>
/// <param name="Version">0 for the table that nobody has written to.</param>
/// <param name="Writer">What its writer made up to know it again; unique.</param>
/// <param name="Rows">One row for each silo, in the order in which they came.</param>
internal sealed record MembershipSnapshot(int Version, string Writer, IReadOnlyList<MembershipRow> Rows)
{
    public static MembershipSnapshot Empty { get; } = new(0, "", []);

    public string ETag => Version.ToString(CultureInfo.InvariantCulture);

    public TableVersion TableVersion => new(Version, ETag);

    public MembershipRow? Find(SiloAddress silo)
    {
        var address = silo.ToParsableString();
        return Rows.FirstOrDefault(row => row.Address == address);
    }

    /// <summary>The version after this one, with other rows.</summary>
    public MembershipSnapshot Next(IEnumerable<MembershipRow> rows) =>
        new(checked(Version + 1), Guid.NewGuid().ToString("N"), [.. rows]);
}

/// <summary>A silo's row. Its fields are those of <see cref="MembershipEntry"/>.</summary>
/// <remarks>
/// Address holds the silo's address and generation in their parsable form; Changed is the version of the table that
/// changed this row last.
/// </remarks>
internal sealed record MembershipRow(
    string Address,
    int Changed,
    SiloStatus Status,
    string? HostName,
    string? SiloName,
    string? RoleName,
    int ProxyPort,
    int UpdateZone,
    int FaultZone,
    DateTime StartTime,
    DateTime AliveTime,
    IReadOnlyList<Suspicion> Suspicions)
{
    [JsonIgnore]
    public string ETag => Changed.ToString(CultureInfo.InvariantCulture);

    public static MembershipRow Of(MembershipEntry entry, int changed) => new(
        entry.SiloAddress.ToParsableString(),
        changed,
        entry.Status,
        entry.HostName,
        entry.SiloName,
        entry.RoleName,
        entry.ProxyPort,
        entry.UpdateZone,
        entry.FaultZone,
        entry.StartTime,
        entry.IAmAliveTime,
        [.. (entry.SuspectTimes ?? []).Select(static s => new Suspicion(s.Item1.ToParsableString(), s.Item2))]);

    /// <summary>The row as Orleans has it, its own to change.</summary>
    /// <param name="alive">Signs of life by the name segment of the silo; the later of it and the row's counts.</param>
    public Tuple<MembershipEntry, string> ToEntry(IReadOnlyDictionary<string, DateTime> alive) => new(
        new MembershipEntry
        {
            SiloAddress = SiloAddress.FromParsableString(Address),
            Status = Status,
            HostName = HostName!,
            SiloName = SiloName!,
            RoleName = RoleName,
            ProxyPort = ProxyPort,
            UpdateZone = UpdateZone,
            FaultZone = FaultZone,
            StartTime = StartTime,
            IAmAliveTime = LastAlive(alive),
            SuspectTimes =
            [
                .. Suspicions.Select(static s => Tuple.Create(SiloAddress.FromParsableString(s.By), s.At)),
            ],
        },
        ETag);

    public DateTime LastAlive(IReadOnlyDictionary<string, DateTime> alive) =>
        alive.TryGetValue(NameSegment.Escape(Address), out var sign) && sign > AliveTime ? sign : AliveTime;
}

/// <summary>A silo's vote that another one is dead.</summary>
internal sealed record Suspicion(string By, DateTime At);
