using Dmt.Core;
using Dmt.Engine;
using Microsoft.Extensions.Logging;

namespace Dmt.Cli.Configuration;

/// <summary>What <c>dmt serve</c> runs with; each property is one entry of <see cref="SettingCatalog"/>.</summary>
internal sealed record ServeSettings
{
    /// <summary>TCP port, 0 to 65535; 0 takes a free one.</summary>
    public int Port { get; init; } = 3030;

    /// <summary>Address to listen on: localhost, an IP address, or * for all.</summary>
    public string Host { get; init; } = "localhost";

    /// <summary>The folder that holds the store.</summary>
    public string Data { get; init; } = "./data";

    public Durability Fsync { get; init; } = Durability.Default;

    /// <summary>Bytes for memtables and cached blocks together.</summary>
    public long CacheSize { get; init; } = 256L << 20;

    /// <summary>Most pairs that a range answer holds.</summary>
    public int MaxRangeResponse { get; init; } = 1000;

    /// <summary>True for the strict key rules: letters and digits, at most 255, letter case folded.</summary>
    public bool AlphanumericKeys { get; init; }

    /// <summary>Largest value, in bytes.</summary>
    public int ValueBytesMax { get; init; } = Entry.ValueBytesMaxDefault;

    /// <summary>Largest request body, in bytes; streamed bulk bodies may be of any size.</summary>
    public long BodyBytesMax { get; init; } = 64L << 20;

    /// <summary>Requests served at the same time; more are told to come again.</summary>
    public int ConcurrencyMax { get; init; } = 1024;

    public Compression Compression { get; init; } = Compression.None;

    public LogLevel LogLevel { get; init; } = LogLevel.Information;
}
