namespace Dmt.Core.Trie;

/// <summary>
/// A guard that is not bound to a thread, for readers that live long or move between threads. One user at a time. While
/// it is held, nothing that was retired since is freed, so hold it no longer than needed and dispose it.
/// </summary>
public sealed class EpochPin : IDisposable
{
    private readonly ReaderEpochs _epochs;
    private EpochSlot? _slot;

    internal EpochPin(ReaderEpochs epochs, EpochSlot slot)
    {
        _epochs = epochs;
        _slot = slot;
    }

    /// <summary>True between <see cref="Enter"/> and <see cref="Exit"/>.</summary>
    public bool IsHeld => _slot is { Depth: > 0 };

    /// <summary>Takes hold as of now. Nothing happens where it is held already: it keeps its older hold.</summary>
    /// <exception cref="DmtException">Closed after Dispose.</exception>
    public void Enter()
    {
        var slot = _slot ?? throw DmtException.Closed("the epoch pin");
        if (slot.Depth == 0)
        {
            _epochs.Enter(slot);
        }
    }

    /// <summary>
    /// Takes hold as of now, and lets go of an older hold. Cheap where nothing was retired since that.
    /// </summary>
    /// <exception cref="DmtException">Closed after Dispose.</exception>
    public void Renew()
    {
        if (_slot is { Depth: > 0 } slot && _epochs.IsCurrent(slot))
        {
            return;
        }

        Exit();
        Enter();
    }

    /// <summary>Lets go. Nothing happens where it is not held.</summary>
    public void Exit()
    {
        if (_slot is { Depth: > 0 } slot)
        {
            ReaderEpochs.Exit(slot);
        }
    }

    public void Dispose()
    {
        Exit();
        if (_slot is { } slot)
        {
            _slot = null;
            _epochs.ReturnPin(slot);
        }
    }
}
