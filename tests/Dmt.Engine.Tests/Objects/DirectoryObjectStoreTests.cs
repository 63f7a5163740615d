using System.Diagnostics;
using System.Globalization;
using Dmt.Core;
using Dmt.Engine.Objects;
using Dmt.Objects.Conformance;

namespace Dmt.Engine.Tests.Objects;

public sealed class DirectoryObjectStoreTests : ObjectStoreConformance, IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private int _stores;

    private string Root => Path.Combine(_directory.Path, "0");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Objects_are_there_after_reopening()
    {
        await using (var store = OpenRoot())
        {
            await store.PutAsync("a/b", new byte[] { 1, 2 });
        }

        await using var again = OpenRoot();
        Assert.Equal<byte[]?>([1, 2], await again.GetAsync("a/b"));
        Assert.Equal(["a/b"], await NamesAsync(again, ""));
    }

    [Fact]
    public async Task A_second_opener_is_told_who_holds_the_folder()
    {
        await using (OpenRoot())
        {
            var error = Assert.Throws<DmtException>(OpenRoot);
            Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
            Assert.Equal($"{Root} is in use by another process (pid {Environment.ProcessId})", error.Message);
        }

        await using var again = OpenRoot();
    }

    [Fact]
    public async Task Another_process_holds_the_folder_until_it_is_killed()
    {
        await using (OpenRoot())
        {
        }

        // flock(1) takes the same lock as this store; exec makes it the holder itself. The pid is written as the store
        // would.
        var start = new ProcessStartInfo("flock", ["--exclusive", "--no-fork", Path.Combine(Root, "LOCK"),
            "sh", "-c", "echo $$ > \"$0\"; echo held; exec sleep 600", Path.Combine(Root, "LOCK")])
        {
            RedirectStandardOutput = true,
        };
        using var holder = Process.Start(start)!;
        try
        {
            Assert.Equal("held", await holder.StandardOutput.ReadLineAsync());
            var error = Assert.Throws<DmtException>(OpenRoot);
            Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
            Assert.Contains(
                string.Create(
                    CultureInfo.InvariantCulture, $"(pid {holder.Id})"), error.Message, StringComparison.Ordinal);
        }
        finally
        {
            holder.Kill();
            await holder.WaitForExitAsync();
        }

        await using var store = OpenRoot();
        var refused = await LockRefusedToOthersAsync();
        Assert.True(refused, "another process could lock the folder while this one has it open");
    }

    [Fact]
    public async Task Leftovers_of_a_crash_are_cleaned_at_open()
    {
        await using (OpenRoot())
        {
        }

        var leftover = Path.Combine(Root, ".tmp", "0000000000000001");
        await File.WriteAllBytesAsync(leftover, new byte[100]);
        await using var store = OpenRoot();
        Assert.False(File.Exists(leftover));
        await store.PutAsync("a", new byte[1]);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(Root, ".tmp")));
    }

    [Fact]
    public async Task An_open_reader_outlives_the_deletion_of_its_object()
    {
        await using var store = OpenRoot();
        await store.PutAsync("a", new byte[] { 1, 2, 3 });
        await using var reader = store.OpenRead("a", 3);
        var buffer = new byte[1];
        await reader.ReadAsync(0, buffer);
        await store.DeleteAsync(["a"]);
        await reader.ReadAsync(2, buffer);
        Assert.Equal(3, buffer[0]);
        await reader.DisposeAsync();
        var error = await Assert.ThrowsAsync<DmtException>(async () => await reader.ReadAsync(0, buffer));
        Assert.Equal(DmtErrorKind.Closed, error.Kind);
    }

    [Theory]
    [InlineData("LOCK")]
    [InlineData(".tmp")]
    [InlineData(".tmp/1")]
    public async Task Its_own_files_are_no_objects(string name)
    {
        await using var store = OpenRoot();
        var error = await Assert.ThrowsAsync<DmtException>(async () => await store.PutAsync(name, new byte[1]));
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
    }

    [Fact]
    public async Task A_name_in_the_way_of_a_folder_is_an_error_that_names_the_file()
    {
        await using var store = OpenRoot();
        await store.PutAsync("a", new byte[1]);
        foreach (var attempt in new Func<Task>[]
        {
            async () => await store.PutAsync("a/b", new byte[1]),
            async () => await store.TryCreateAsync("a/b", new byte[1]),
        })
        {
            var error = await Assert.ThrowsAsync<DmtException>(attempt);
            Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
            Assert.Contains(Path.Combine(Root, "a", "b"), error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(["a"], await NamesAsync(store, ""));
    }

    [Fact]
    public async Task A_folder_is_no_object()
    {
        await using var store = OpenRoot();
        await store.PutAsync("a/b", new byte[1]);
        Assert.Null(await store.GetAsync("a"));
        await store.DeleteAsync(["a"]);
        foreach (var attempt in new Func<Task>[]
        {
            async () => await store.PutAsync("a", new byte[1]),
            async () => await store.TryCreateAsync("a", new byte[1]),
        })
        {
            Assert.Equal(DmtErrorKind.Unavailable, (await Assert.ThrowsAsync<DmtException>(attempt)).Kind);
        }

        Assert.Equal(["a/b"], await NamesAsync(store, ""));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(Root, ".tmp")));
    }

    protected override IObjectStore Open() => new DirectoryObjectStore(
        Path.Combine(_directory.Path, $"{_stores++}"), TimeProvider.System);

    private DirectoryObjectStore OpenRoot() => new(Root, TimeProvider.System);

    private async Task<bool> LockRefusedToOthersAsync()
    {
        using var other = Process.Start("flock", ["--exclusive", "--nonblock", Path.Combine(Root, "LOCK"), "true"]);
        await other.WaitForExitAsync();
        return other.ExitCode != 0;
    }
}
