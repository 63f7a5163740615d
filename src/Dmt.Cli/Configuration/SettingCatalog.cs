using System.Globalization;
using System.Net;
using Dmt.Core;
using Dmt.Core.Sharding;
using Dmt.Engine;
using Dmt.Engine.Replication;
using Dmt.Objects.S3;
using Microsoft.Extensions.Logging;

namespace Dmt.Cli.Configuration;

/// <summary>
/// Every setting of <c>dmt serve</c>: the one list behind the file, the environment, the flags, the help and the docs.
/// </summary>
internal static class SettingCatalog
{
    private const string Auto = "auto";
    private const long MemtableSizeMin = 64L << 10;
    private const long MemtableSizeMax = 1L << 30;

    private static readonly (string Text, LogLevel Level)[] LogLevels =
    [
        ("trace", LogLevel.Trace), ("debug", LogLevel.Debug), ("information", LogLevel.Information),
        ("warning", LogLevel.Warning), ("error", LogLevel.Error), ("none", LogLevel.None),
    ];

    public static IReadOnlyList<Setting> All { get; } =
    [
        Number("port", "TCP port to listen on; 0 takes a free one", 0, 65535, (s, n) =>
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
            s => s.Data ?? (s.Store is null ? ServeSettings.DataDefault : "")),
        new(
            "store",
            "bucket and prefix that hold the store; takes it over from whoever has it open",
            "s3://bucket/prefix, or that it is left out",
            ApplyStore,
            s => s.Store ?? ""),
        new(
            "store_endpoint",
            "server that has the bucket, where that is not Amazon's",
            "a URL with http:// or https://",
            (s, text) => text.Length == 0 ? s with { StoreEndpoint = null }
                : TryParseEndpoint(text, out var url) ? s with { StoreEndpoint = url } : null,
            s => s.StoreEndpoint?.OriginalString ?? ""),
        new(
            "store_region",
            "the bucket's region, where the environment does not say",
            "the name of a region",
            (s, text) => s with { StoreRegion = text.Trim() is { Length: > 0 } region ? region : null },
            s => s.StoreRegion ?? ""),
        Choice<bool?>("store_path_style", "the bucket in the URL's path; auto: where there is an endpoint",
            [(Auto, null), ("true", true), ("false", false)],
            (s, style) => s with { StorePathStyle = style }, s => s.StorePathStyle),
        new(
            "fsync",
            "when a write is acknowledged",
            "default, strict, every N operations, every Nms or every Ns",
            ApplyFsync,
            s => s.Fsync.ToString()),
        Size("cache_size", "memory for memtables and cached blocks", 8L << 20, 1L << 40,
            (s, n) => s with { CacheSize = n }, s => s.CacheSize),
        Size("disk_cache_size", "disk for the cache of a bucket, in the folder of --data", 1L << 20, 4L << 40,
            (s, n) => s with { DiskCacheSize = n }, s => s.DiskCacheSize),
        new(
            "memtable_size",
            "size at which a memtable is written into a table",
            $"auto, or {ByteSize.Format(MemtableSizeMin)} to {ByteSize.Format(MemtableSizeMax)} ({ByteSize.Forms})",
            ApplyMemtableSize,
            s => s.MemtableSize?.ToString(CultureInfo.InvariantCulture) ?? Auto),
        Number("k_factor", "length of the prefixes at which a new store is cut into shards; 0: it begins as one", 0,
            PreSplitPrefixes.KFactorMax, (s, n) => s with { KFactor = (int)n }, s => s.KFactor),
        new(
            "keyspaces",
            "keys that can be searched by any of their segments",
            KeyspaceSettings.Allowed,
            (s, text) => KeyspaceSettings.TryParse(text, out var list) ? s with { Keyspaces = list } : null,
            s => s.Keyspaces)
        {
            TakesList = true,
        },
        Number("max_range_response", "most pairs in one range answer", 1, ScanRequest.LimitMax,
            (s, n) => s with { MaxRangeResponse = (int)n }, s => s.MaxRangeResponse),
        Choice("key_policy", "which keys are taken: any text, or letters and digits only",
            [("any", false), ("alphanumeric", true)],
            (s, strict) => s with { AlphanumericKeys = strict }, s => s.AlphanumericKeys),
        Size("value_bytes_max", "largest value", 1, Entry.ValueBytesMaxCeiling,
            (s, n) => s with { ValueBytesMax = (int)n }, s => s.ValueBytesMax),
        Size("body_bytes_max", "largest request body; streamed NDJSON has no limit", 1024, 1L << 30,
            (s, n) => s with { BodyBytesMax = n }, s => s.BodyBytesMax),
        Number("concurrency_max", "requests served at the same time", 1, 100_000,
            (s, n) => s with { ConcurrencyMax = (int)n }, s => s.ConcurrencyMax),
        Choice("compression", "how data blocks are compressed",
            [("none", Compression.None), ("brotli", Compression.Brotli)],
            (s, c) => s with { Compression = c }, s => s.Compression),
        Choice("log_level", "the least that is logged", LogLevels, (s, level) =>
            s with { LogLevel = level }, s => s.LogLevel),
        Choice("is_replica", "serve reads of a main that ships to this server; dmt promote makes it the main",
            [("true", true), ("false", false)], (s, yes) => s with { IsReplica = yes }, s => s.IsReplica),
        new(
            "replicas",
            "replicas to ship to as the main",
            $"a list of host:port, at most {ReplicaNames.Max}",
            (s, text) => ReplicaNames.TryParse(text, out var names) ? s with { Replicas = names } : null,
            s => s.Replicas)
        {
            TakesList = true,
        },
        Number("replication_port", "TCP port where a replica hears its main; 0 takes a free one", 0, 65535,
            (s, n) => s with { ReplicationPort = (int)n }, s => s.ReplicationPort),
        Number("replica_acks", "replicas that must have a strict write, too", 0, ReplicationOptions.AcksMax,
            (s, n) => s with { ReplicaAcks = (int)n }, s => s.ReplicaAcks),
        new(
            "replica_poll",
            "how often a replica looks into its bucket while it hears nothing of a main",
            "100ms to 1d (a number with ms, s, m, h or d)",
            ApplyPoll,
            s => $"{s.ReplicaPoll.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)}ms"),
        Choice("start_without_replicas", "take writes in a folder before a replica says that there is no newer main",
            [("true", true), ("false", false)],
            (s, yes) => s with { StartWithoutReplicas = yes }, s => s.StartWithoutReplicas),
        new(
            "url",
            "where others reach this server; replicas tell it to whoever wants to write",
            "a URL with http:// or https://, or that it is left out",
            (s, text) => text.Length == 0 ? s with { Url = null }
                : TryParseEndpoint(text, out var url) ? s with { Url = url } : null,
            s => s.Url?.OriginalString ?? ""),
    ];

    public static Setting? Find(string name) => All.FirstOrDefault(s => s.Name.Equals(name, StringComparison.Ordinal));

    private static Setting Number(
        string name, string help, long least, long most, Func<ServeSettings, long, ServeSettings> apply,
            Func<ServeSettings, long> value) =>
        new(
            name,
            help,
            string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}"),
            (s, text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n >= least
                && n <= most
                ? apply(s, n)
                : null,
            s => value(s).ToString(CultureInfo.InvariantCulture));

    private static Setting Size(
        string name, string help, long least, long most, Func<ServeSettings, long, ServeSettings> apply,
            Func<ServeSettings, long> value) =>
        new(
            name,
            help,
            $"{ByteSize.Format(least)} to {ByteSize.Format(most)} ({ByteSize.Forms})",
            (s, text) => ByteSize.TryParse(text, out var n) && n >= least && n <= most ? apply(s, n) : null,
            s => value(s).ToString(CultureInfo.InvariantCulture));

    private static Setting Choice<T>(
        string name, string help, (string Text, T Value)[] choices, Func<ServeSettings, T, ServeSettings> apply,
            Func<ServeSettings, T> value) =>
        new(
            name,
            help,
            string.Join(", ", choices[..^1].Select(c => c.Text)) + " or " + choices[^1].Text,
            (s, text) =>
                Array.FindIndex(choices, c => c.Text.Equals(text, StringComparison.OrdinalIgnoreCase)) is >= 0 and var i
                ? apply(s, choices[i].Value)
                : null,
            s => Array.Find(choices, c => EqualityComparer<T>.Default.Equals(c.Value, value(s))).Text);

    private static ServeSettings? ApplyPoll(ServeSettings settings, string text)
    {
        try
        {
            var poll = TimeText.Parse(text, "replica_poll");
            return poll >= TimeSpan.FromMilliseconds(100) && poll <= TimeSpan.FromDays(1)
                ? settings with { ReplicaPoll = poll }
                : null;
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.InvalidArgument)
        {
            return null;
        }
    }

    private static ServeSettings? ApplyFsync(ServeSettings settings, string text)
    {
        try
        {
            return settings with { Fsync = Durability.Parse(text) };
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.InvalidArgument)
        {
            return null;
        }
    }

    private static ServeSettings? ApplyMemtableSize(ServeSettings settings, string text)
    {
        if (text.Equals(Auto, StringComparison.OrdinalIgnoreCase))
        {
            return settings with { MemtableSize = null };
        }

        return ByteSize.TryParse(text, out var size) && size is >= MemtableSizeMin and <= MemtableSizeMax
            ? settings with { MemtableSize = size }
            : null;
    }

    private static ServeSettings? ApplyStore(ServeSettings settings, string text)
    {
        if (text.Trim().Length == 0)
        {
            return settings with { Store = null };
        }

        try
        {
            return settings with { Store = S3Location.Parse(text.Trim()).ToString() };
        }
        catch (DmtException e) when (e.Kind == DmtErrorKind.InvalidArgument)
        {
            return null;
        }
    }

    /// <summary>Reads the URL of a server that has buckets.</summary>
    public static bool TryParseEndpoint(string text, out Uri? url) =>
        Uri.TryCreate(text, UriKind.Absolute, out url) && url.Scheme is "http" or "https" && url.Host.Length > 0;

    private static bool IsHost(string text) =>
        text is "localhost" or "*" || (text.AsSpan().ContainsAny('.', ':') && IPAddress.TryParse(text, out _));
}
