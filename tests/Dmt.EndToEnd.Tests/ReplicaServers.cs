using System.Text.Json;

namespace Dmt.EndToEnd.Tests;

/// <summary>
/// Three servers of one store, each with ports that stay the same over restarts: the first begins as the main. With a
/// bucket they share it, without each has a folder of its own.
/// </summary>
internal sealed class ReplicaServers : IDisposable
{
    public const int Count = 3;

    private readonly TempFolder _folder = new();
    private readonly TestBucket? _bucket;
    private readonly int[] _ports = FreePorts.Take(Count);
    private readonly ServerProcess?[] _servers = new ServerProcess?[Count];

    public ReplicaServers(bool isBucket) => _bucket = isBucket ? new TestBucket() : null;

    public ServerProcess this[int server] => _servers[server]!;

    /// <summary>Starts a server, on the store that it had.</summary>
    public async Task StartAsync(int server, bool isReplica)
    {
        var others = string.Join(
            ',', Enumerable.Range(0, Count).Where(s => s != server).Select(s => $"127.0.0.1:{_ports[s]}"));
        string[] arguments =
        [
            "--replicas", others, "--is-replica", isReplica ? "true" : "false",
            "--replication-port", $"{_ports[server]}", "--replica-acks", _bucket is null ? "1" : "0",
            "--memtable-size", "256KiB", "--cache-size", "16MiB",
        ];
        var program = new BuiltProgram(Path.Combine(_folder.Path, $"{server}"));
        Directory.CreateDirectory(Path.Combine(_folder.Path, $"{server}"));
        _servers[server]?.Dispose();
        _servers[server] = null;
        _servers[server] = await (_bucket?.ServeAsync(program, arguments) ?? program.ServeAsync(arguments));
    }

    public Task<(int ExitCode, string Output, string Error)> PromoteAsync(int server) =>
        new BuiltProgram(_folder.Path).RunAsync("promote", "--url", this[server].Url);

    public async Task<JsonElement> StatAsync(int server)
    {
        using var stat = JsonDocument.Parse(await this[server].Client.GetStringAsync("/api/v1/stat"));
        return stat.RootElement.Clone();
    }

    /// <summary>Returns when the server says that it is ready, and takes writes where it is to.</summary>
    public async Task UntilReadyAsync(int server, bool writes)
    {
        while (true)
        {
            using var answer = await this[server].Client.GetAsync("/readyz");
            var text = await answer.Content.ReadAsStringAsync();
            if (answer.IsSuccessStatusCode
                && text.Contains("accepted", StringComparison.Ordinal) == writes)
            {
                return;
            }

            await Task.Delay(20);
        }
    }

    /// <summary>Returns when the replica has the operation.</summary>
    public async Task UntilHasAsync(int server, ulong sequence)
    {
        while (true)
        {
            var stat = await StatAsync(server);
            if (stat.GetProperty("last_sequence").GetUInt64() >= sequence
                && stat.GetProperty("replication").GetProperty("lag_operations").GetInt64() == 0)
            {
                return;
            }

            await Task.Delay(20);
        }
    }

    /// <summary>Returns when the replica has a value that was written last, and with it all before.</summary>
    public async Task UntilShowsAsync(int server, string key, string value)
    {
        while (true)
        {
            using var answer = await this[server].Client.GetAsync($"/kv/{key}");
            if (answer.IsSuccessStatusCode && await answer.Content.ReadAsStringAsync() == value)
            {
                return;
            }

            await Task.Delay(20);
        }
    }

    /// <summary>The shards of a server's map, by prefix.</summary>
    public async Task<IReadOnlyDictionary<string, uint>> ShardsAsync(int server)
    {
        using var list = JsonDocument.Parse(await this[server].Client.GetStringAsync("/admin/shards"));
        return list.RootElement.GetProperty("shards").EnumerateArray().ToDictionary(
            static shard => shard.GetProperty("prefix").GetString()!,
            static shard => shard.GetProperty("shard").GetUInt32());
    }

    public void Dispose()
    {
        foreach (var server in _servers)
        {
            server?.Dispose();
        }

        _folder.Dispose();
    }
}
