using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Scheduling;

namespace Dmt.Engine.Shards;

/// <content>Whom writers wait for, and what they may write.</content>
internal sealed partial class Shard
{
    private readonly AsyncSignal _gateOpened;
    private KeyRange[] _gated = []; // writers of these keys wait; guarded by _writeLock
    private long _gatedSince; // timestamp; guarded by _writeLock

    /// <summary>
    /// Writers of the ranges wait from now on, and what there is of them is frozen. Under _writeLock.
    /// </summary>
    private void CloseGate(KeyRange[] ranges)
    {
        _gated = ranges;
        _gatedSince = _host.Time.GetTimestamp();
        FreezeIfNotEmpty();
    }

    private void OpenGate()
    {
        lock (_writeLock)
        {
            if (_gated.Length > 0)
            {
                _host.Metrics.ShardPaused(_host.Time.GetElapsedTime(_gatedSince));
                _gated = [];
            }
        }

        _gateOpened.WakeAll();
    }

    /// <summary>Under _writeLock.</summary>
    private bool IsGated(ReadOnlySpan<byte> key)
    {
        foreach (var range in _gated)
        {
            if (range.Contains(key))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Under _writeLock.</summary>
    private bool IsGated(WriteBatch batch)
    {
        if (_gated.Length == 0)
        {
            return false;
        }

        foreach (var operation in batch)
        {
            if (operation.Kind == WriteOperationKind.DeleteRange || IsGated(operation.Key))
            {
                return true;
            }
        }

        return false;
    }

    private void CheckOwnership(WriteBatch batch)
    {
        var ownership = _view.Ownership;
        foreach (var operation in batch)
        {
            if (operation.Kind == WriteOperationKind.DeleteRange)
            {
                ownership.Check(new KeyRange(
                    operation.Key.ToArray(), operation.HasNoEnd ? default(ReadOnlyMemory<byte>?)
                        : operation.Value.ToArray()));
            }
            else
            {
                ownership.Check(operation.Key);
            }
        }
    }
}
