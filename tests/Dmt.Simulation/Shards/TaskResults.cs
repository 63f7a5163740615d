namespace Dmt.Simulation.Shards;

internal static class TaskResults
{
    /// <summary>Gives a result to what has none.</summary>
    public static async Task<T> Then<T>(this Task task, T result)
    {
        await task.ConfigureAwait(false);
        return result;
    }
}
