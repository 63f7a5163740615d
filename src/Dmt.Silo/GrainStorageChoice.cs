using Dmt.Core;

namespace Dmt.Silo;

/// <summary>A place for the state of grains that a build of the program offers.</summary>
/// <param name="Name">Its name in the setting <c>grain_storage</c>.</param>
/// <param name="Add">
/// Registers the storage of the given name. Reads secrets from the environment, which comes last. Throws
/// <see cref="DmtException"/> (InvalidArgument) where one is missing or malformed.
/// </param>
/// <param name="Explain">
/// What is wrong with the storage, for people, when the silo cannot start because of the exception; null where
/// something else is wrong.
/// </param>
public sealed record GrainStorageChoice(
    string Name,
    Action<ISiloBuilder, string, IReadOnlyDictionary<string, string>> Add,
    Func<Exception, string?>? Explain = null)
{
    /// <summary>The cluster's own store, which <c>AddDmtShards</c> registers.</summary>
    public static GrainStorageChoice Dmt { get; } = new("dmt", static (_, _, _) => { });
}
