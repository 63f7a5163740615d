using System.Net;
using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine;
using Dmt.Objects.S3;
using Microsoft.Extensions.Logging;

namespace Dmt.Hosting.Configuration;

/// <summary>
/// The settings that every server has: the one list behind the file, the environment, the flags, the help and the docs.
/// A program adds its own.
/// </summary>
internal static class ServerSettingCatalog
{
    private const string Auto = "auto";

    private static readonly (string Text, LogLevel Level)[] LogLevels =
    [
        ("trace", LogLevel.Trace), ("debug", LogLevel.Debug), ("information", LogLevel.Information),
        ("warning", LogLevel.Warning), ("error", LogLevel.Error), ("none", LogLevel.None),
    ];

    /// <summary>All of them, for a program's own record.</summary>
    public static IReadOnlyList<Setting<T>> All<T>()
        where T : ServerSettings =>
        [.. Addresses<T>(), .. Stores<T>(), .. Limits<T>()];

    private static Setting<T>[] Addresses<T>()
        where T : ServerSettings =>
    [
        SettingForms<T>.Number("port", "TCP port to listen on; 0 takes a free one", 0, 65535, (s, n) =>
            s with { Port = (int)n }, s => s.Port),
        new(
            "host",
            "address to listen on",
            "localhost, an IP address, or * for all of this machine",
            (s, text) => IsHost(text) ? s with { Host = text } : null,
            s => s.Host),
        new(
            "data",
            "folder that holds the store, or with a bucket its cache; made when it is not there",
            "the path of a folder",
            (s, text) => text.Trim().Length > 0 && !text.Contains('\0', StringComparison.Ordinal)
                ? s with { Data = text } : null,
            s => s.Data ?? (s.Store is null ? ServerSettings.DataDefault : "")),
    ];

    private static Setting<T>[] Stores<T>()
        where T : ServerSettings =>
    [
        new(
            "store",
            "bucket and prefix that hold the store; takes it over from whoever has it open",
            "s3://bucket/prefix, or that it is left out",
            ApplyStore,
            s => s.Store ?? ""),
        SettingForms<T>.Url(
            "store_endpoint",
            "server that has the bucket, where that is not Amazon's",
            "a URL with http:// or https://",
            (s, url) => s with { StoreEndpoint = url }, s => s.StoreEndpoint),
        new(
            "store_region",
            "the bucket's region, where the environment does not say",
            "the name of a region",
            (s, text) => s with { StoreRegion = text.Trim() is { Length: > 0 } region ? region : null },
            s => s.StoreRegion ?? ""),
        SettingForms<T>.Choice<bool?>(
            "store_path_style", "the bucket in the URL's path; auto: where there is an endpoint",
            [(Auto, null), ("true", true), ("false", false)],
            (s, style) => s with { StorePathStyle = style }, s => s.StorePathStyle),
        new(
            "fsync",
            "when a write is acknowledged",
            "default, strict, every N operations, every Nms or every Ns",
            (s, text) => SettingForms<T>.Parsed(() => Durability.Parse(text), out var fsync)
                ? s with { Fsync = fsync } : null,
            s => s.Fsync.ToString()),
        SettingForms<T>.Size("cache_size", "memory for memtables and cached blocks", 8L << 20, 1L << 40,
            (s, n) => s with { CacheSize = n }, s => s.CacheSize),
        SettingForms<T>.Size(
            "disk_cache_size", "disk for the cache of a bucket, in the folder of --data", 1L << 20, 4L << 40,
            (s, n) => s with { DiskCacheSize = n }, s => s.DiskCacheSize),
        SettingForms<T>.SizeOr(
            "memtable_size", "size at which a memtable is written into a table", Auto, 64L << 10, 1L << 30,
            (s, n) => s with { MemtableSize = n }, s => s.MemtableSize),
        SettingForms<T>.Number(
            "k_factor", "length of the prefixes at which a new store is cut into shards; 0: it begins as one", 0,
            PreSplitPrefixes.KFactorMax, (s, n) => s with { KFactor = (int)n }, s => s.KFactor),
        SettingForms<T>.Choice("compression", "how data blocks are compressed",
            [("none", Compression.None), ("brotli", Compression.Brotli)],
            (s, c) => s with { Compression = c }, s => s.Compression),
    ];

    private static Setting<T>[] Limits<T>()
        where T : ServerSettings =>
    [
        SettingForms<T>.Number("max_range_response", "most pairs in one range answer", 1, ScanRequest.LimitMax,
            (s, n) => s with { MaxRangeResponse = (int)n }, s => s.MaxRangeResponse),
        SettingForms<T>.Choice("key_policy", "which keys are taken: any text, or letters and digits only",
            [("any", false), ("alphanumeric", true)],
            (s, strict) => s with { AlphanumericKeys = strict }, s => s.AlphanumericKeys),
        SettingForms<T>.Size("value_bytes_max", "largest value", 1, Entry.ValueBytesMaxCeiling,
            (s, n) => s with { ValueBytesMax = (int)n }, s => s.ValueBytesMax),
        SettingForms<T>.Size("body_bytes_max", "largest request body; streamed NDJSON has no limit", 1024, 1L << 30,
            (s, n) => s with { BodyBytesMax = n }, s => s.BodyBytesMax),
        SettingForms<T>.Number("concurrency_max", "requests served at the same time", 1, 100_000,
            (s, n) => s with { ConcurrencyMax = (int)n }, s => s.ConcurrencyMax),
        SettingForms<T>.Choice("log_level", "the least that is logged", LogLevels, (s, level) =>
            s with { LogLevel = level }, s => s.LogLevel),
    ];

    private static T? ApplyStore<T>(T settings, string text)
        where T : ServerSettings =>
        text.Trim().Length == 0 ? settings with { Store = null }
            : SettingForms<T>.Parsed(() => S3Location.Parse(text.Trim()), out var location)
            ? settings with { Store = location.ToString() }
            : null;

    private static bool IsHost(string text) =>
        text is "localhost" or "*" || (text.AsSpan().ContainsAny('.', ':') && IPAddress.TryParse(text, out _));
}
