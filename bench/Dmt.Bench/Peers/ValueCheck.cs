using Dmt.Cli.Bench;

namespace Dmt.Bench.Peers;

/// <summary>What a value must be.</summary>
internal readonly struct ValueCheck(BenchValues values, ulong identity)
{
    public bool Passes(ReadOnlySpan<byte> value) => values.IsValue(identity, value);
}
