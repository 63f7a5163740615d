using System.Text;
using Dmt.Core;
using Dmt.Engine.Objects;
using Dmt.Grains.Membership;
using static Dmt.Grains.Tests.Membership.MembershipFixture;

namespace Dmt.Grains.Tests.Membership;

/// <summary>What the objects behind the table must be and must survive.</summary>
public sealed class MembershipObjectsTests
{
    private const string Golden =
        """
        {
          "format": 1,
          "version": 1,
          "writer": "W",
          "silos": [
            {
              "address": "10.1.2.3:11111@9",
              "changed": 1,
              "status": "Active",
              "hostName": "host",
              "siloName": "silo",
              "roleName": "role",
              "proxyPort": 30000,
              "updateZone": 3,
              "faultZone": 4,
              "startTime": "2030-01-02T03:04:05Z",
              "aliveTime": "2030-01-02T03:04:05Z",
              "suspicions": [
                {
                  "by": "10.1.2.3:11111@8",
                  "at": "2030-01-02T03:04:06Z"
                }
              ]
            }
          ]
        }
        """;

    [Fact]
    public void A_version_is_the_JSON_that_the_format_says()
    {
        var entry = Entry(SiloStatus.Active, SiloAddress.FromParsableString("10.1.2.3:11111@9"));
        entry.AddSuspector(SiloAddress.FromParsableString("10.1.2.3:11111@8"), Start.AddSeconds(1));
        var bytes = MembershipCodec.Encode(new MembershipSnapshot(1, "W", [MembershipRow.Of(entry, 1)]));
        Assert.Equal(Golden, Encoding.UTF8.GetString(bytes).ReplaceLineEndings("\n"));
        var read = MembershipCodec.Decode(bytes, "name", 1);
        Assert.Equal(
            entry.ToFullString(), read.Rows[0].ToEntry(new Dictionary<string, DateTime>()).Item1.ToFullString());
    }

    [Theory]
    [InlineData("{", DmtErrorKind.Corruption)]
    [InlineData("{}", DmtErrorKind.Corruption)]
    [InlineData("null", DmtErrorKind.Corruption)]
    [InlineData("""{"format":1,"version":2,"writer":"W","silos":[]}""", DmtErrorKind.Corruption)]
    [InlineData("""{"format":1,"version":1,"writer":"W"}""", DmtErrorKind.Corruption)]
    [InlineData("""{"format":1,"version":1,"writer":"W","silos":[{"address":"x"}]}""", DmtErrorKind.Corruption)]
    [InlineData("""{"format":2,"whatever":true}""", DmtErrorKind.Unavailable)]
    public async Task A_version_that_cannot_be_read_is_an_error_that_names_it(string content, DmtErrorKind kind)
    {
        var store = Store();
        var name = Root + "membership/0000000000000001";
        await store.PutAsync(name, Encoding.UTF8.GetBytes(content));
        var error = await Assert.ThrowsAsync<DmtException>(() => Table(store).ReadAll());
        Assert.Equal(kind, error.Kind);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_are_as_the_format_says_and_old_versions_go()
    {
        var store = Store();
        var table = Table(store);
        var entry = await InsertAsync(table, Entry(silo: SiloAddress.FromParsableString("10.1.2.3:11111@9")));
        await table.UpdateIAmAlive(entry);
        for (var i = 0; i < 20; i++)
        {
            await InsertAsync(table, Entry());
        }

        Assert.Equal(
            [
                Root + "alive/10.1.2.3_3A11111_409/0001893553445000",
                .. Enumerable.Range(12, 10).Select(n => $"{Root}membership/{n:D16}"),
            ],
            await NamesAsync(store));
    }

    [Fact]
    public async Task A_sign_of_life_replaces_the_one_before()
    {
        var store = Store();
        var table = Table(store);
        var entry = await InsertAsync(table, Entry());
        for (var i = 0; i < 5; i++)
        {
            entry.IAmAliveTime = Start.AddSeconds(i);
            await table.UpdateIAmAlive(entry);
        }

        Assert.Single(await NamesAsync(store, Root + "alive/"));
        Assert.Equal(Start.AddSeconds(4), (await table.ReadAll()).Members[0].Item1.IAmAliveTime);
    }

    [Fact]
    public async Task Signs_of_life_that_could_not_be_deleted_are_swept_by_the_cleanup()
    {
        var store = Store();
        var faulty = new FaultyObjectStore(store) { FailsBefore = kind => kind == "delete" };
        var table = Table(faulty);
        var entry = await InsertAsync(table, Entry(SiloStatus.Active));
        for (var i = 0; i < 3; i++)
        {
            entry.IAmAliveTime = Start.AddSeconds(i);
            await table.UpdateIAmAlive(entry);
        }

        Assert.Equal(3, (await NamesAsync(store, Root + "alive/")).Count);
        Assert.Equal(Start.AddSeconds(2), (await table.ReadAll()).Members[0].Item1.IAmAliveTime);
        await Table(store).CleanupDefunctSiloEntries(Start.AddDays(-7));
        Assert.Single(await NamesAsync(store, Root + "alive/"));
        Assert.Equal(Start.AddSeconds(2), (await table.ReadAll()).Members[0].Item1.IAmAliveTime);
    }

    [Fact]
    public async Task An_idle_table_costs_one_listing_a_read_and_one_put_a_sign_of_life()
    {
        var store = new FaultyObjectStore(Store());
        var table = Table(store);
        var entry = await InsertAsync(table, Entry(SiloStatus.Active));
        await table.UpdateIAmAlive(entry);
        await table.ReadAll();

        var before = store.Calls;
        entry.IAmAliveTime = Start.AddSeconds(30);
        await table.UpdateIAmAlive(entry);
        await table.ReadAll();
        Assert.Equal((before.Gets, before.Lists + 1, before.Puts + 1, before.Deletes + 1), store.Calls);
    }

    [Fact]
    public async Task A_lost_reply_to_a_create_that_took_effect_is_success()
    {
        var store = Store();
        var faulty = new FaultyObjectStore(store) { FailsAfter = kind => kind == "create" };
        var table = Table(faulty);
        Assert.True(await table.InsertRow(Entry(), (await table.ReadAll()).Version.Next()));
        Assert.Equal(1, (await table.ReadAll()).Version.Version);
    }

    [Fact]
    public async Task A_lost_reply_to_a_create_that_lost_the_race_is_defeat()
    {
        var store = Store();
        var faulty = new FaultyObjectStore(store) { FailsAfter = kind => kind == "create" };
        var table = Table(faulty);
        var version = (await table.ReadAll()).Version.Next();
        await InsertAsync(Table(store), Entry());
        Assert.False(await table.InsertRow(Entry(), version));
    }

    [Fact]
    public async Task A_create_that_failed_is_an_error_and_the_next_attempt_succeeds()
    {
        var fails = true;
        var table = Table(new FaultyObjectStore(Store()) { FailsBefore = kind => fails && kind == "create" });
        var version = (await table.ReadAll()).Version.Next();
        var error = await Assert.ThrowsAsync<DmtException>(() => table.InsertRow(Entry(), version));
        Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
        fails = false;
        Assert.True(await table.InsertRow(Entry(), version));
    }

    [Fact]
    public async Task A_writer_that_was_stalled_past_the_deletion_of_its_number_does_not_take_its_update_for_done()
    {
        var store = Store();
        var faulty = new FaultyObjectStore(store);
        var stalled = Table(faulty);
        var late = Entry();
        var version = (await stalled.ReadAll()).Version.Next();
        faulty.BeforeCreate = async _ =>
        {
            var others = Table(store);
            for (var i = 0; i < MembershipObjects.Kept + 2; i++)
            {
                await InsertAsync(others, Entry());
            }
        };

        var error = await Assert.ThrowsAsync<DmtException>(() => stalled.InsertRow(late, version));
        Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
        faulty.BeforeCreate = static _ => Task.CompletedTask;
        Assert.Null((await stalled.ReadAll()).TryGet(late.SiloAddress));

        Assert.Equal(MembershipObjects.Kept, (await NamesAsync(store, Root + "membership/")).Count);
        await InsertAsync(stalled, late);
    }

    [Fact]
    public async Task A_version_that_is_deleted_between_listing_and_reading_is_looked_for_anew()
    {
        var store = Store();
        var others = Table(store);
        await InsertAsync(others, Entry());
        var faulty = new FaultyObjectStore(store);
        var isFirst = true;
        faulty.BeforeGet = async _ =>
        {
            for (var i = 0; isFirst && i < MembershipObjects.Kept; i++)
            {
                await InsertAsync(others, Entry());
            }

            isFirst = false;
        };
        Assert.Equal(MembershipObjects.Kept + 1, (await Table(faulty).ReadAll()).Members.Count);
    }

    [Fact]
    public async Task A_store_that_ignores_the_condition_is_refused_at_the_start()
    {
        var error = await Assert.ThrowsAsync<DmtException>(
            () => Table(new CarelessObjectStore()).InitializeMembershipTable(true));
        Assert.Contains("create-if-absent", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("simple-1.2", "simple-1.2")]
    [InlineData("..", "_2E.")]
    [InlineData("a_b/c", "a_5Fb_2Fc")]
    [InlineData("é", "_C3_A9")]
    [InlineData("[::1]:11111@5", "_5B_3A_3A1_5D_3A11111_405")]
    public void Any_text_makes_a_segment_of_a_name(string text, string segment)
    {
        Assert.Equal(segment, NameSegment.Escape(text));
        ObjectName.Validate(segment);
    }

    private sealed class CarelessObjectStore : IObjectStore
    {
        private readonly MemoryObjectStore _inner = new(TimeProvider.System);

        public string Description => "a careless store";

        public ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default) =>
            _inner.GetAsync(name, cancellationToken);

        public IObjectReader OpenRead(string name, long length) => _inner.OpenRead(name, length);

        public ValueTask PutAsync(
            string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
            _inner.PutAsync(name, content, cancellationToken);

        public async ValueTask<bool> TryCreateAsync(
            string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
        {
            await _inner.PutAsync(name, content, cancellationToken);
            return true;
        }

        public IObjectWriter OpenWrite(string name) => _inner.OpenWrite(name);

        public ValueTask DeleteAsync(
            IReadOnlyCollection<string> names, CancellationToken cancellationToken = default) =>
            _inner.DeleteAsync(names, cancellationToken);

        public IAsyncEnumerable<ObjectInfo> ListAsync(
            string prefix, string? startAfter = null, CancellationToken cancellationToken = default) =>
            _inner.ListAsync(prefix, startAfter, cancellationToken);

        public ValueTask DisposeAsync() => _inner.DisposeAsync();
    }
}
