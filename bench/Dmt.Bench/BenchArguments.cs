using System.Globalization;
using Dmt.Bench.Peers;

namespace Dmt.Bench;

/// <summary>The command line.</summary>
internal sealed record BenchArguments
{
    public const string Usage =
        "Dmt.Bench [--keys N] [--value-bytes N] [--rounds N] [--peers dmt,rocksdb,leveldb,lmdb] [--markdown | --json]";

    public long Keys { get; init; } = 1_000_000;

    public int ValueBytes { get; init; } = 100;

    /// <summary>Medians are taken over so many.</summary>
    public int Rounds { get; init; } = 3;

    public IReadOnlyList<string> Peers { get; init; } = PeerCatalog.Names;

    public bool IsMarkdown { get; init; }

    public bool IsJson { get; init; }

    /// <summary>The peer that this process measures; null in the process that compares.</summary>
    public string? Child { get; init; }

    /// <exception cref="ArgumentException">With one line that says what is wrong.</exception>
    public static BenchArguments Parse(string[] args)
    {
        var parsed = new BenchArguments();
        for (var i = 0; i < args.Length; i++)
        {
            var flag = args[i];
            parsed = flag switch
            {
                "--markdown" => parsed with { IsMarkdown = true },
                "--json" => parsed with { IsJson = true },
                _ when i + 1 == args.Length =>
                    throw new ArgumentException($"{flag}: no such flag, or it lacks a value; usage: {Usage}"),
                "--keys" => parsed with { Keys = Number(flag, args[++i], 100, int.MaxValue) },
                "--value-bytes" => parsed with { ValueBytes = (int)Number(flag, args[++i], 1, 1 << 20) },
                "--rounds" => parsed with { Rounds = (int)Number(flag, args[++i], 1, 99) },
                "--peers" => parsed with { Peers = [.. args[++i].Split(',').Select(Peer)] },
                "--child" => parsed with { Child = Peer(args[++i]) },
                _ => throw new ArgumentException($"unknown flag {flag}; usage: {Usage}"),
            };
        }

        return parsed;
    }

    public IEnumerable<string> ForChild(string peer) =>
    [
        "--child", peer,
        "--keys", Keys.ToString(CultureInfo.InvariantCulture),
        "--value-bytes", ValueBytes.ToString(CultureInfo.InvariantCulture),
    ];

    private static long Number(string flag, string text, long least, long most) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n >= least && n <= most
            ? n
            : throw new ArgumentException($"{flag} is {text}: expected {least} to {most}");

    private static string Peer(string name) => PeerCatalog.Names.Contains(name)
        ? name
        : throw new ArgumentException(
            $"there is no peer \"{name}\": expected some of {string.Join(", ", PeerCatalog.Names)}");
}
