namespace Dmt.Core;

/// <summary>What a look through the store found.</summary>
/// <param name="Deleted">Unreferenced and old enough: deleted, or in a dry run to be.</param>
/// <param name="Waiting">Unreferenced, but not old enough yet.</param>
/// <param name="IsDryRun">Nothing was deleted.</param>
public sealed record GarbageReport(
    IReadOnlyList<GarbageObject> Deleted, IReadOnlyList<GarbageObject> Waiting, bool IsDryRun);

/// <summary>An object that nothing refers to.</summary>
/// <param name="Name">Its name in the store.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Age">Since it was written, by the store's clock; never more than it is.</param>
/// <param name="Reason">Why nothing needs it.</param>
public sealed record GarbageObject(string Name, long Bytes, TimeSpan Age, string Reason);
