using System.Globalization;
using Dmt.Engine.Objects;
using Dmt.Engine.Objects.Caching;
using static Dmt.Engine.Tests.Objects.Caching.CacheFixture;

namespace Dmt.Engine.Tests.Objects.Caching;

/// <summary>
/// Random reads, writes, deletions, kills, restarts and damage: always the bytes of the store behind, always within the
/// bound. DMT_SEED=N replays a failure.
/// </summary>
public sealed class CachingModelTests
{
    private const int Slots = 20;
    private const int Operations = 3000;
    private const int TableBytesMax = 12 * DiskCacheFormat.PartBytes;

    [Fact]
    public async Task A_cache_under_any_treatment_gives_what_the_store_has()
    {
        var seed = Environment.GetEnvironmentVariable("DMT_SEED") is { } given
            ? int.Parse(given, CultureInfo.InvariantCulture)
            : Environment.TickCount & int.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            using var run = new Run(seed + round);
            try
            {
                await run.PlayAsync();
            }
            catch (Exception e)
            {
                Assert.Fail($"DMT_SEED={seed + round}: {e}");
            }
        }
    }

    private sealed class Run(int seed) : IDisposable
    {
        private readonly TemporaryDirectory _folders = new();
        private readonly MemoryObjectStore _memory = new(TimeProvider.System);
        private readonly Dictionary<ulong, byte[]> _tables = [];
        private readonly Random _random = new(seed);
        private CachingObjectStore _store = null!;
        private ulong _tablesWritten;
        private int _kills;

        private string Folder => Path.Combine(_folders.Path, $"{_kills}");

        public async Task PlayAsync()
        {
            Open();
            for (var i = 0; i < Operations; i++)
            {
                await (_random.Next(100) switch
                {
                    < 80 => ReadAsync(),
                    < 88 => WriteAsync(),
                    < 94 => DeleteAsync(),
                    < 97 => DamageAsync(),
                    < 98 => KillAsync(),
                    _ => RestartAsync(),
                });
                var bytes = new DirectoryInfo(Folder).EnumerateFiles()
                    .Where(f => f.Name is DiskCacheFolder.PartsFile or DiskCacheFolder.IndexFile).Sum(f => f.Length);
                Assert.InRange(bytes, 0, Slots * DiskCacheFormat.SlotBytes);
            }

            Assert.NotEqual(0, _kills);
            await _store.DisposeAsync();
        }

        public void Dispose() => _folders.Dispose();

        private void Open() => _store = new CachingObjectStore(
            new FarObjectStore(_memory), DiskCache.Open(Folder, "memory", Slots * DiskCacheFormat.SlotBytes));

        private async Task ReadAsync()
        {
            if (_tables.Count == 0)
            {
                return;
            }

            var (number, content) = _tables.ElementAt(_random.Next(_tables.Count));
            var offset = _random.Next(content.Length);
            var length = _random.Next(content.Length - offset + 1);
            var buffer = new byte[length];
            await using var reader = _store.OpenRead(Name(number), content.Length);
            await (_random.Next(4) == 0 ? reader.ReadOnceAsync(offset, buffer) : reader.ReadAsync(offset, buffer));
            Assert.True(content.AsSpan(offset, length).SequenceEqual(buffer), $"{number}: {length} from {offset}");
        }

        private async Task WriteAsync()
        {
            var content = Content(_random, _random.Next(1, TableBytesMax));
            var number = ++_tablesWritten;
            await using var writer = _store.OpenWrite(Name(number));
            for (var at = 0; at < content.Length;)
            {
                var length = Math.Min(_random.Next(40_000), content.Length - at);
                await writer.WriteAsync(content.AsMemory(at, length));
                at += length;
            }

            if (_random.Next(5) > 0)
            {
                await writer.CompleteAsync();
                _tables.Add(number, content);
            }
        }

        private async Task DeleteAsync()
        {
            if (_tables.Count > 4)
            {
                var number = _tables.Keys.ElementAt(_random.Next(_tables.Count));
                _tables.Remove(number);
                await _store.DeleteAsync([Name(number)]);
            }
        }

        private Task DamageAsync()
        {
            var name = _random.Next(3) == 0 ? DiskCacheFolder.IndexFile : DiskCacheFolder.PartsFile;
            using var file = new FileStream(
                Path.Combine(Folder, name), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            if (file.Length > 0 && _random.Next(4) == 0)
            {
                file.SetLength(_random.NextInt64(file.Length));
            }
            else if (file.Length > 0)
            {
                file.Position = _random.NextInt64(file.Length);
                var length = (int)Math.Min(_random.Next(1, 100), file.Length - file.Position);
                file.Write(Content(_random, length));
            }

            return Task.CompletedTask;
        }

        /// <summary>What another process finds at this moment: the files as they are.</summary>
        private async Task KillAsync()
        {
            var from = Folder;
            _kills++;
            Directory.CreateDirectory(Folder);
            foreach (var file in new DirectoryInfo(from).EnumerateFiles().Where(f => f.Name != DirectoryLock.FileName))
            {
                file.CopyTo(Path.Combine(Folder, file.Name));
            }

            await _store.DisposeAsync();
            Open();
        }

        private async Task RestartAsync()
        {
            await _store.DisposeAsync();
            Open();
        }
    }
}
