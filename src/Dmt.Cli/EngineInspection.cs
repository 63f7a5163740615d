using System.Runtime.CompilerServices;
using Dmt.Core;

namespace Dmt.Cli;

/// <summary>Connects <c>dmt inspect</c> with the engine, which alone knows its formats.</summary>
internal static class EngineInspection
{
    /// <summary>What <paramref name="path"/>, a file or a folder of a store, holds.</summary>
    public static async IAsyncEnumerable<InspectLine> InspectAsync(
        string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await Task.CompletedTask;
        yield return path.Length > 0
            ? throw DmtException.Unavailable($"cannot inspect {path}: this build has no inspector")
            : default;
    }
}
