namespace Dmt.Core.Trie;

/// <summary>
/// A small number for each living thread, given to another one after it has died: the index of its slots.
/// </summary>
internal static class ThreadIndex
{
    /// <summary>Guards <see cref="Free"/> and <see cref="_count"/>.</summary>
    private static readonly Lock Gate = new();
    private static readonly Stack<int> Free = new();
    private static int _count;

    [ThreadStatic]
    private static int _currentPlusOne;

    [ThreadStatic]
    private static Owner? _owner;

    public static int Current => _currentPlusOne != 0 ? _currentPlusOne - 1 : Take();

    private static int Take()
    {
        int index;
        lock (Gate)
        {
            index = Free.TryPop(out var reused) ? reused : _count++;
        }

        _owner = new Owner(index);
        _currentPlusOne = index + 1;
        return index;
    }

    /// <summary>Reachable from its thread only, so that it is finalized once the thread is dead.</summary>
    private sealed class Owner(int index)
    {
        ~Owner()
        {
            lock (Gate)
            {
                Free.Push(index);
            }
        }
    }
}
