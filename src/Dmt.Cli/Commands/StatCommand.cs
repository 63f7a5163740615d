using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Dmt.Cli.Http;
using Dmt.Cli.Terminal;
using Dmt.Core;
using Dmt.Hosting;
using Dmt.Hosting.Configuration;
using Spectre.Console;

namespace Dmt.Cli.Commands;

/// <summary><c>dmt stat</c>: what a store holds and costs.</summary>
internal static class StatCommand
{
    public static Command Create(CommandIo io)
    {
        var command = new ToolCommand(
            "stat",
            "Show levels, memory, log and write amplification of a store.",
            "dmt stat",
            "dmt stat --json | jq .table_bytes",
            "dmt stat --data ./data");
        var json = CommonOptions.Json("Print one JSON object; sizes in bytes");
        command.Add(json);
        var target = TargetOptions.AddTo(command);
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using var store = await target.OpenAsync(parse, io, create: false, cancellationToken);
            var statistics = await store.StatAsync(cancellationToken);
            if (parse.GetValue(json))
            {
                await JsonSerializer.SerializeAsync(io.Out, statistics, StatisticsJson.Options, cancellationToken);
                await io.Out.WriteAsync("\n"u8.ToArray(), cancellationToken);
                await io.Out.FlushAsync(cancellationToken);
            }
            else
            {
                await using var text = io.Text();
                Render(statistics, Tables.Console(text, io.OutIsTerminal));
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Render(StoreStatistics s, IAnsiConsole console)
    {
        var levels = Tables.Create("Level", "Tables", "Entries", "Size");
        foreach (var level in s.Levels)
        {
            Tables.AddRow(
                levels, $"L{level.Level}", Count(level.Tables), Count(level.Entries), ByteSize.Format(level.Bytes));
        }

        Tables.AddRow(
            levels, "all", Count(s.Levels.Sum(l => l.Tables)), Count(s.Levels.Sum(l => l.Entries)),
                ByteSize.Format(s.TableBytes));
        console.Write(levels);

        var rest = Tables.Create("Store", "");
        Tables.AddRow(rest, "entries, overwritten ones included", Count(s.EntriesMax));
        if (s.BorrowedBytes > 0)
        {
            Tables.AddRow(rest, "in tables of the store it was cloned from", ByteSize.Format(s.BorrowedBytes));
        }

        Tables.AddRow(rest, "memtables", ByteSize.Format(s.MemtableBytes));
        Tables.AddRow(rest, "block cache", ByteSize.Format(s.BlockCacheBytes));
        Tables.AddRow(rest, "memory budget", ByteSize.Format(s.CacheBytesMax));
        Tables.AddRow(rest, "log not yet in tables", ByteSize.Format(s.LogBytes));
        Tables.AddRow(rest, "written by users since the start", ByteSize.Format(s.UserBytesWritten));
        Tables.AddRow(rest, "written to the medium since the start", ByteSize.Format(s.MediumBytesWritten));
        Tables.AddRow(rest, "write amplification", s.UserBytesWritten == 0
            ? "-"
            : ((double)s.MediumBytesWritten / s.UserBytesWritten).ToString("0.00", CultureInfo.InvariantCulture));
        Tables.AddRow(rest, "last sequence number", s.LastSequence.ToString("N0", CultureInfo.InvariantCulture));
        Tables.AddRow(rest, "epoch", s.Epoch.ToString(CultureInfo.InvariantCulture));
        Tables.AddRow(rest, "incarnation", s.Incarnation);
        Tables.AddRow(rest, "background work", s.BackgroundProblem ?? "in order");
        Tables.AddRow(rest, "writes", s.WritesRefused is { } why ? "refused: " + why : "accepted");
        AddRole(rest, s.Replication);
        AddBucket(rest, s);
        console.Write(rest);
    }

    private static void AddRole(Table rest, ReplicationStatistics? role)
    {
        if (role is null)
        {
            return;
        }

        Tables.AddRow(
            rest, "role", role.Role == "main" ? "main" : $"replica of {role.Main ?? "a main not heard of"}");
        if (role.LagOperations is { } lag)
        {
            Tables.AddRow(rest, "behind its main", $"{Count((long)lag)} operations, {role.LagMs?.ToString("N0",
                CultureInfo.InvariantCulture) ?? "?"} ms{(role.Connected == true ? "" : "; not connected")}");
        }

        foreach (var replica in role.Replicas)
        {
            Tables.AddRow(rest, $"replica {replica.Name}",
                replica.Problem ?? $"{Count((long)replica.LagOperations)} operations behind");
        }
    }

    /// <summary>What a store in a bucket has to show besides.</summary>
    private static void AddBucket(Table rest, StoreStatistics s)
    {
        if (s.Requests is { } r)
        {
            Tables.AddRow(rest, "requests: put, create, list, part",
                $"{Count(r.Puts)}, {Count(r.ConditionalPuts)}, {Count(r.Lists)}, {Count(r.Multiparts)}");
            Tables.AddRow(rest, "requests: get, ranged get, head, delete",
                $"{Count(r.Gets)}, {Count(r.RangedGets)}, {Count(r.Heads)}, {Count(r.Deletes)}");
            Tables.AddRow(rest, "sent to the bucket", ByteSize.Format(r.BytesUp));
            Tables.AddRow(rest, "received from the bucket", ByteSize.Format(r.BytesDown));
            Tables.AddRow(rest, "requests a month at this rate", Dollars(r.RequestDollarsPerMonth));
            Tables.AddRow(rest, "storage a month", Dollars(r.StorageDollarsPerMonth));
        }

        if (s.DiskCache is { } d)
        {
            Tables.AddRow(
                rest, "cache on disk", $"{ByteSize.Format(d.Bytes)} of at most {ByteSize.Format(d.BytesMax)}");
            Tables.AddRow(rest, "cache on disk: hits, misses, evictions, failures",
                $"{Count(d.Hits)}, {Count(d.Misses)}, {Count(d.Evictions)}, {Count(d.Failures)}");
        }
    }

    private static string Dollars(decimal amount) => "$" + amount.ToString("N2", CultureInfo.InvariantCulture);

    private static string Count(long n) => n.ToString("N0", CultureInfo.InvariantCulture);
}
