using Dmt.Core;
using static Dmt.Grains.Tests.Membership.MembershipFixture;

namespace Dmt.Grains.Tests.Membership;

/// <summary>What Orleans asks of every membership table.</summary>
public sealed class MembershipTableTests
{
    [Fact]
    public async Task Read_all_of_an_empty_table_has_version_0_and_an_etag()
    {
        var data = await Table(Store()).ReadAll();
        Assert.Empty(data.Members);
        Assert.Equal(0, data.Version.Version);
        Assert.NotNull(data.Version.VersionEtag);
    }

    [Fact]
    public async Task Insert_row_then_read_all_shows_every_field()
    {
        var store = Store();
        var table = Table(store);
        var entry = Entry();
        entry.AddSuspector(Silo(), Start.AddSeconds(1));
        entry.AddSuspector(Silo(), Start.AddSeconds(2));
        await InsertAsync(table, entry);

        var data = await Table(store).ReadAll();
        Assert.Equal(1, data.Version.Version);
        var (read, etag) = Assert.Single(data.Members);
        Assert.NotEmpty(etag);
        Assert.Equal(entry.ToFullString(), read.ToFullString());
        Assert.Equal(
            (entry.RoleName, entry.UpdateZone, entry.FaultZone, entry.ProxyPort, entry.HostName),
            (read.RoleName, read.UpdateZone, read.FaultZone, read.ProxyPort, read.HostName));
        Assert.Equal(entry.SuspectTimes, read.SuspectTimes);
        Assert.Equal(DateTimeKind.Utc, read.StartTime.Kind);
    }

    [Fact]
    public async Task Insert_row_of_a_silo_that_has_one_is_refused()
    {
        var table = Table(Store());
        var entry = await InsertAsync(table, Entry());
        Assert.False(await table.InsertRow(entry, (await table.ReadAll()).Version.Next()));
        Assert.Equal(1, (await table.ReadAll()).Version.Version);
    }

    [Fact]
    public async Task Insert_row_with_a_stale_version_is_refused()
    {
        var table = Table(Store());
        var stale = (await table.ReadAll()).Version.Next();
        await InsertAsync(table, Entry());
        Assert.False(await table.InsertRow(Entry(), stale));
        Assert.Single((await table.ReadAll()).Members);
    }

    [Fact]
    public async Task Update_row_with_a_stale_etag_or_version_is_refused()
    {
        var table = Table(Store());
        var entry = await InsertAsync(table, Entry());
        var before = await table.ReadAll();
        var etag = before.Members[0].Item2;
        var version = before.Version.Next();

        entry.Status = SiloStatus.Active;
        Assert.True(await table.UpdateRow(entry, etag, version));
        Assert.False(await table.UpdateRow(entry, etag, version));
        var after = await table.ReadAll();
        Assert.NotEqual(etag, after.Members[0].Item2);
        Assert.False(await table.UpdateRow(entry, etag, after.Version.Next()));
        Assert.False(await table.UpdateRow(entry, after.Members[0].Item2, version));
        Assert.False(await table.UpdateRow(entry, after.Members[0].Item2, new TableVersion(3, "1")));

        var last = await table.ReadAll();
        Assert.Equal(2, last.Version.Version);
        Assert.Equal(SiloStatus.Active, last.Members[0].Item1.Status);
    }

    [Fact]
    public async Task Update_row_of_another_silo_leaves_an_etag_as_it_is()
    {
        var table = Table(Store());
        var first = await InsertAsync(table, Entry());
        var second = await InsertAsync(table, Entry());
        var data = await table.ReadAll();
        Assert.True(await table.UpdateRow(second, data.TryGet(second.SiloAddress)!.Item2, data.Version.Next()));
        var after = await table.ReadAll();
        Assert.Equal(data.TryGet(first.SiloAddress)!.Item2, after.TryGet(first.SiloAddress)!.Item2);
        Assert.NotEqual(data.TryGet(second.SiloAddress)!.Item2, after.TryGet(second.SiloAddress)!.Item2);
    }

    [Fact]
    public async Task Update_row_of_a_silo_without_one_is_refused()
    {
        var table = Table(Store());
        await InsertAsync(table, Entry());
        Assert.False(await table.UpdateRow(Entry(), "1", (await table.ReadAll()).Version.Next()));
    }

    [Fact]
    public async Task Read_row_shows_one_silo_with_the_version_of_the_table()
    {
        var table = Table(Store());
        var first = await InsertAsync(table, Entry());
        await InsertAsync(table, Entry());
        var data = await table.ReadRow(first.SiloAddress);
        Assert.Equal(first.SiloAddress, Assert.Single(data.Members).Item1.SiloAddress);
        Assert.Equal(2, data.Version.Version);
        var missing = await table.ReadRow(Silo());
        Assert.Empty(missing.Members);
        Assert.Equal(2, missing.Version.Version);
    }

    [Fact]
    public async Task What_a_reader_does_to_its_rows_changes_nothing_for_others()
    {
        var table = Table(Store());
        await InsertAsync(table, Entry());
        var mine = (await table.ReadAll()).Members[0].Item1;
        mine.Status = SiloStatus.Dead;
        mine.AddSuspector(Silo(), Start);
        var theirs = (await table.ReadAll()).Members[0].Item1;
        Assert.Equal(SiloStatus.Joining, theirs.Status);
        Assert.Empty(theirs.SuspectTimes!);
    }

    [Fact]
    public async Task Update_IAmAlive_changes_the_time_and_nothing_else()
    {
        var store = Store();
        var table = Table(store);
        var entry = await InsertAsync(table, Entry());
        var before = await table.ReadAll();
        var alive = Start.AddMinutes(5).AddMilliseconds(7);
        await table.UpdateIAmAlive(new MembershipEntry { SiloAddress = entry.SiloAddress, IAmAliveTime = alive });

        var after = await Table(store).ReadAll();
        Assert.Equal(alive, after.Members[0].Item1.IAmAliveTime);
        Assert.Equal(before.Version, after.Version);
        Assert.Equal(before.Members[0].Item2, after.Members[0].Item2);
        Assert.Equal(alive, (await table.ReadRow(entry.SiloAddress)).Members[0].Item1.IAmAliveTime);
    }

    [Fact]
    public async Task Update_IAmAlive_outlives_an_update_of_the_row_that_was_read_before_it()
    {
        var table = Table(Store());
        var entry = await InsertAsync(table, Entry());
        var data = await table.ReadAll();
        var alive = Start.AddMinutes(5);
        await table.UpdateIAmAlive(new MembershipEntry { SiloAddress = entry.SiloAddress, IAmAliveTime = alive });
        Assert.True(await table.UpdateRow(entry, data.Members[0].Item2, data.Version.Next()));
        Assert.Equal(alive, (await table.ReadAll()).Members[0].Item1.IAmAliveTime);
    }

    [Fact]
    public async Task Cleanup_of_defunct_silo_entries_removes_the_old_that_are_not_active()
    {
        var store = Store();
        var table = Table(store);
        var old = Start.AddDays(-10);
        foreach (var status in Enum.GetValues<SiloStatus>())
        {
            var gone = await InsertAsync(table, Entry(status, at: old));
            await table.UpdateIAmAlive(gone);
        }

        var lately = await InsertAsync(table, Entry(SiloStatus.Dead, at: old));
        await table.UpdateIAmAlive(
            new MembershipEntry { SiloAddress = lately.SiloAddress, IAmAliveTime = Start.AddDays(-1) });
        var fresh = await InsertAsync(table, Entry(SiloStatus.Joining));
        var version = (await table.ReadAll()).Version.Version;

        await table.CleanupDefunctSiloEntries(Start.AddDays(-7));
        var data = await Table(store).ReadAll();
        Assert.Equal(3, data.Members.Count);
        Assert.Equal(SiloStatus.Active, Assert.Single(
            data.Members, m => m.Item1.SiloAddress != lately.SiloAddress && m.Item1.SiloAddress != fresh.SiloAddress)
            .Item1.Status);
        Assert.Equal(version + 1, data.Version.Version);

        // The active one's and the late one's signs of life; those of silos that are no more went with them.
        Assert.Equal(2, (await NamesAsync(store, Root + "alive/")).Count);
    }

    [Fact]
    public async Task Cleanup_of_a_table_without_defunct_entries_writes_nothing()
    {
        var table = Table(Store());
        await InsertAsync(table, Entry(SiloStatus.Dead));
        await table.CleanupDefunctSiloEntries(Start.AddDays(-7));
        Assert.Equal(1, (await table.ReadAll()).Version.Version);
    }

    [Fact]
    public async Task Dead_silo_rejoins_under_its_next_generation()
    {
        var table = Table(Store());
        var first = await InsertAsync(table, Entry(SiloStatus.Active));
        first.Status = SiloStatus.Dead;
        var data = await table.ReadAll();
        Assert.True(await table.UpdateRow(first, data.Members[0].Item2, data.Version.Next()));

        var again = SiloAddress.New(first.SiloAddress.Endpoint, first.SiloAddress.Generation + 1);
        await InsertAsync(table, Entry(SiloStatus.Active, again));
        data = await table.ReadAll();
        Assert.Equal(SiloStatus.Dead, data.TryGet(first.SiloAddress)!.Item1.Status);
        Assert.Equal(SiloStatus.Active, data.TryGet(again)!.Item1.Status);
    }

    [Fact]
    public async Task Gateway_list_has_the_active_silos_that_have_a_gateway()
    {
        var store = Store();
        var table = Table(store);
        var gateways = Gateways(store);
        await gateways.InitializeGatewayListProvider();
        Assert.Empty(await gateways.GetGateways());

        await InsertAsync(table, Entry());
        var active = await InsertAsync(table, Entry(SiloStatus.Active));
        var without = Entry(SiloStatus.Active);
        without.ProxyPort = 0;
        await InsertAsync(table, without);
        await InsertAsync(table, Entry(SiloStatus.Dead));

        Assert.Equal(
            [new Uri($"gwy.tcp://10.1.2.3:30000/{active.SiloAddress.Generation}")], await gateways.GetGateways());
        Assert.Equal(TimeSpan.FromSeconds(7), gateways.MaxStaleness);
    }

    [Fact]
    public async Task Deleting_the_table_leaves_other_clusters_alone()
    {
        var store = Store();
        var (mine, other) = (Table(store), Table(store, "other"));
        var entry = await InsertAsync(mine, Entry());
        await mine.UpdateIAmAlive(entry);
        await InsertAsync(other, Entry());
        Assert.Empty((await Table(store, "another").ReadAll()).Members);
        await Assert.ThrowsAsync<DmtException>(() => mine.DeleteMembershipTableEntries("other"));

        await mine.DeleteMembershipTableEntries(ClusterId);
        Assert.Empty(await NamesAsync(store));
        Assert.Equal(0, (await mine.ReadAll()).Version.Version);
        Assert.Single((await other.ReadAll()).Members);
    }

    [Fact]
    public async Task A_table_that_was_deleted_and_begun_anew_is_seen_by_those_who_knew_the_old_one()
    {
        var store = Store();
        var (one, two) = (Table(store), Table(store));
        await InsertAsync(one, Entry());
        Assert.Single((await two.ReadAll()).Members);
        await one.DeleteMembershipTableEntries(ClusterId);
        Assert.Empty((await two.ReadAll()).Members);
        var entry = await InsertAsync(one, Entry());
        Assert.Equal(entry.SiloAddress, (await two.ReadAll()).Members[0].Item1.SiloAddress);
    }
}
