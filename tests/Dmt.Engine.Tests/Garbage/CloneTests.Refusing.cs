using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Engine.Tests.Garbage;

/// <content>What is refused, and changes nothing.</content>
public sealed partial class CloneTests
{
    [Fact]
    public async Task A_pin_can_be_deleted_only_when_it_is_old_and_its_clone_does_not_need_it()
    {
        await SourceAndCloneAsync();
        await using var source = await OpenAsync("live");
        var pin = Assert.Single(await PinsAsync("live"));
        _fixture.Time.Advance(TimeSpan.FromDays(100));
        await RefusedAsync(DmtErrorKind.Conflict, "memory/test", () => source.DeleteCheckpointAsync(pin).AsTask());
        foreach (var name in await NamesAsync("test"))
        {
            await _fixture.Memory.OpenSibling("test").DeleteAsync([name]);
        }

        Assert.True(await source.DeleteCheckpointAsync(pin));
        await CloneAsync("live", "x", "test");
        pin = Assert.Single(await PinsAsync("live"));
        await _fixture.Memory.OpenSibling("test").DeleteAsync(await NamesAsync("test"));
        await RefusedAsync(DmtErrorKind.Conflict, "60 minutes", () => source.DeleteCheckpointAsync(pin).AsTask());
    }

    [Theory]
    [InlineData("live", DmtErrorKind.InvalidArgument)]
    [InlineData("live/shards/2", DmtErrorKind.InvalidArgument)]
    [InlineData("live/checkpoints/x", DmtErrorKind.InvalidArgument)]
    [InlineData("taken", DmtErrorKind.Conflict)]
    public async Task A_place_that_is_taken_is_refused_and_nothing_changes(string root, DmtErrorKind kind)
    {
        await using (var source = await OpenAsync("live"))
        {
            await FillAsync(source, 0, 10);
            await source.CheckpointAsync("x");
        }

        await _fixture.Memory.PutAsync("taken/anything", new byte[1]);
        var before = await _fixture.NamesAsync("");
        await RefusedAsync(kind, root, () => CloneAsync("live", "x", root));
        Assert.Equal(before, await _fixture.NamesAsync(""));
        await RefusedAsync(DmtErrorKind.InvalidArgument, "\"y\"", () => CloneAsync("live", "y", "free"));
        Assert.Equal(before, await _fixture.NamesAsync(""));
    }

    [Fact]
    public async Task A_checkpoint_that_names_a_missing_table_is_not_cloned_and_leaves_no_pin()
    {
        await using (var source = await OpenAsync("live"))
        {
            await FillAsync(source, 0, 10);
            await source.CheckpointAsync("x");
        }

        var table = (await NamesAsync("live")).First(static name => name.EndsWith(".table", Ordinal));
        await _fixture.Memory.OpenSibling("live").DeleteAsync([table]);
        await RefusedAsync(DmtErrorKind.Corruption, "/live/" + table, () => CloneAsync("live", "x", "test"));
        Assert.Empty(await PinsAsync("live"));
        Assert.Empty(await NamesAsync("test"));
    }

    [Fact]
    public async Task A_folder_cannot_be_cloned_by_reference()
    {
        using var folder = new Dmt.Testing.TempFolder();
        await using var objects = new DirectoryObjectStore(folder.Path, TimeProvider.System);
        await RefusedAsync(
            DmtErrorKind.InvalidArgument, "copy the folder", () => TrieStore.CloneAsync(objects, "x", "y").AsTask());
    }
}
