using Dmt.Cli.Terminal;
using Dmt.Engine;

namespace Dmt.Cli.Bench;

/// <summary>What the workers of a run share.</summary>
internal sealed class BenchContext(BenchSettings settings, TrieStore store)
{
    private readonly Lock _lock = new();
    private long _done;
    private ulong[]? _ordered;
    private Zipfian? _zipfian;

    public BenchSettings Settings { get; } = settings;

    public TrieStore Store { get; } = store;

    public BenchKeys Keys { get; } = new(settings.KeyBytes, settings.Seed);

    public BenchValues Values { get; } = new(settings.ValueBytes, settings.Seed);

    /// <summary>The indices that are in the store.</summary>
    public InsertCounter Inserts { get; set; } = new(0);

    /// <summary>Counts workloads, so that each writes other values and makes other choices.</summary>
    public ulong Generation { get; private set; }

    /// <summary>What the display reads.</summary>
    public TransferProgress Progress { get; private set; } = new() { ItemName = "operations" };

    /// <summary>The keys' identities in key order.</summary>
    public ulong[] Ordered
    {
        get
        {
            lock (_lock)
            {
                if (_ordered is null)
                {
                    _ordered = new ulong[Settings.Keys];
                    for (var i = 0; i < _ordered.Length; i++)
                    {
                        _ordered[i] = Keys.Identity(i);
                    }

                    Array.Sort(_ordered);
                }

                return _ordered;
            }
        }
    }

    /// <summary>Ranks over the keys that every run begins with.</summary>
    public Zipfian Zipfian
    {
        get
        {
            lock (_lock)
            {
                return _zipfian ??= new Zipfian(Settings.Keys);
            }
        }
    }

    /// <summary>Begins to count the operations of the next workload.</summary>
    /// <param name="operations">How many there will be.</param>
    public void Begin(long operations)
    {
        Generation++;
        Interlocked.Exchange(ref _done, 0);
        Progress = new TransferProgress { ItemName = "operations", Total = operations };
    }

    /// <summary>So many more operations are done. Safe for concurrent use.</summary>
    public void Count(long operations) => Progress.Advance(Interlocked.Add(ref _done, operations), operations);
}
