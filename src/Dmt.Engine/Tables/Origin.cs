namespace Dmt.Engine.Tables;

/// <summary>
/// Another store in the same space of names (<see cref="Objects.IObjectStore.Root"/>) whose tables this one borrows,
/// and the checkpoint that keeps them there for it.
/// </summary>
/// <param name="Root">Root of the store that has the tables.</param>
/// <param name="Pin">
/// The object that keeps them, from the beginning of the space on: a checkpoint of the store that was cloned, which is
/// another than that at the root where that one was a clone itself.
/// </param>
internal sealed record Origin(string Root, string Pin)
{
    /// <summary>
    /// What the pin is called among the names of this store's own objects. None of them can begin with a slash.
    /// </summary>
    public string PinName => "/" + Pin;

    /// <summary>The pin behind such a name; null for the name of an object of the store itself.</summary>
    public static string? PinOf(string name) => name.StartsWith('/') ? name[1..] : null;
}
