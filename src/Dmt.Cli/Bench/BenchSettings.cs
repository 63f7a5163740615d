using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine;
using Dmt.Hosting.Configuration;

namespace Dmt.Cli.Bench;

/// <summary>What a bench run is asked to do. Immutable.</summary>
internal sealed record BenchSettings
{
    public const int ThreadsMax = 1024;

    private const long BlockBytesMin = 512;
    private const long BlockBytesMax = 1 << 20;
    private const long CacheBytesMin = 8L << 20;
    private const long CacheBytesMax = 1L << 40;

    /// <summary>In the order in which they run.</summary>
    public IReadOnlyList<Workload> Workloads { get; init; } = WorkloadCatalog.Default;

    /// <summary>Number of keys; 1,000,000 by default.</summary>
    public long Keys { get; init; } = 1_000_000;

    /// <summary><see cref="BenchKeys.BytesMin"/> to 1,024.</summary>
    public int KeyBytes { get; init; } = 16;

    /// <summary>0 to <see cref="Entry.ValueBytesMaxDefault"/>.</summary>
    public int ValueBytes { get; init; } = 100;

    /// <summary>
    /// 1 to <see cref="ThreadsMax"/>; workloads whose name says how many writers they have do not ask.
    /// </summary>
    public int Threads { get; init; } = 1;

    public Durability Durability { get; init; }

    /// <summary>The same seed gives the same keys, values and choices.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The store's folder; null for a fresh one that is deleted afterwards.</summary>
    public string? Folder { get; init; }

    /// <summary>The folder holds a store that an earlier run with the same keys, sizes and seed has filled.</summary>
    public bool UseExisting { get; init; }

    public long CacheBytes { get; init; } = 256L << 20;

    public long BlockBytes { get; init; } = 4096;

    public Compression Compression { get; init; }

    /// <summary>Bytes of keys and values, each key counted once.</summary>
    public long UserBytes(long keys) => keys * (KeyBytes + ValueBytes);

    public EngineOptions EngineOptions() => new()
    {
        CacheBytes = CacheBytes,
        BlockBytes = (int)BlockBytes,
        Compression = Compression,
        Durability = Durability,
    };

    /// <exception cref="DmtException">InvalidArgument naming the flag, what was given and what is allowed.</exception>
    public void Validate()
    {
        Check("--key-bytes", KeyBytes, BenchKeys.BytesMin, Key.BytesMax);
        Check("--value-bytes", ValueBytes, 0, Entry.ValueBytesMaxDefault);
        Check("--keys", Keys, 1, BenchKeys.CountMax(KeyBytes), $" with --key-bytes {KeyBytes}");
        Check("--threads", Threads, 1, ThreadsMax);
        Check("--block-size", BlockBytes, BlockBytesMin, BlockBytesMax, " bytes");
        Check("--cache-size", CacheBytes, CacheBytesMin, CacheBytesMax, " bytes");
        if (Workloads.Count == 0)
        {
            throw DmtException.InvalidArgument($"--workloads is empty: expected some of {WorkloadCatalog.Names}");
        }

        if (UseExisting && Folder is null)
        {
            throw DmtException.InvalidArgument("--use-existing needs --data DIR: which folder is it that exists?");
        }
    }

    /// <summary>Checks the folder: a new or empty one, or a store where <see cref="UseExisting"/> says so.</summary>
    /// <exception cref="DmtException">InvalidArgument naming the folder and what is wrong with it.</exception>
    public void ValidateFolder()
    {
        if (Folder is null)
        {
            return;
        }

        var isStore = File.Exists(Path.Combine(Folder, "LOCK"));
        if (UseExisting)
        {
            if (!isStore)
            {
                throw DmtException.InvalidArgument($"--use-existing: there is no store at {Folder}");
            }
        }
        else if (isStore)
        {
            throw DmtException.InvalidArgument(
                $"--data: {Folder} holds a store: --use-existing works on it (and changes it), or name a new folder");
        }
        else if (File.Exists(Folder)
            || (Directory.Exists(Folder) && Directory.EnumerateFileSystemEntries(Folder).Any()))
        {
            throw DmtException.InvalidArgument(
                $"--data: {Folder} is not empty and no store: name a new or empty folder");
        }
    }

    /// <summary>Reads <c>--workloads</c>: names with commas between.</summary>
    public static IReadOnlyList<Workload> ParseWorkloads(string names)
    {
        const StringSplitOptions Plain = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        return [.. names.Split(',', Plain).Select(WorkloadCatalog.Find)];
    }

    /// <summary>Reads a flag that is a number of bytes.</summary>
    public static long ParseBytes(string flag, string text) => ByteSize.TryParse(text, out var bytes)
        ? bytes
        : throw DmtException.InvalidArgument($"{flag} is \"{text}\": expected {ByteSize.Forms}");

    /// <summary>Reads <c>--compression</c>.</summary>
    public static Compression ParseCompression(string text) => text switch
    {
        "none" => Compression.None,
        "brotli" => Compression.Brotli,
        _ => throw DmtException.InvalidArgument($"--compression is \"{text}\": expected none or brotli"),
    };

    private static void Check(string flag, long given, long least, long most, string unit = "")
    {
        if (given < least || given > most)
        {
            throw DmtException.InvalidArgument($"{flag} is {given}: expected {least} to {most}{unit}");
        }
    }
}
