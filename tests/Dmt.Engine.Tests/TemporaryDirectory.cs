namespace Dmt.Engine.Tests;

/// <summary>An empty directory that goes away with its owner.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("dmt-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
