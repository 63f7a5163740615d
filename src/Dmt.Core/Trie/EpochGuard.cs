namespace Dmt.Core.Trie;

/// <summary>
/// Keeps what this thread reads from being freed until it is disposed. Bound to its thread (a ref struct cannot cross
/// an await); guards nest. Dispose each exactly once.
/// </summary>
public readonly ref struct EpochGuard
{
    private readonly EpochSlot _slot;

    internal EpochGuard(EpochSlot slot) => _slot = slot;

    public void Dispose() => ReaderEpochs.Exit(_slot);
}
