using Dmt.Engine.Objects;
using Dmt.Objects.Conformance;

namespace Dmt.Objects.S3.Tests;

/// <summary>
/// The conformance suite against a server that fails one request in eight: before or after its effect, with a status, a
/// cut connection or half an answer.
/// </summary>
public sealed class FaultyServerTests : ObjectStoreConformance, IAsyncLifetime
{
    private const int Seed = 20261120;

    private FakeS3 _server = null!;

    public async Task InitializeAsync()
    {
        _server = await FakeS3.StartAsync();
        var random = new Random(Seed);
        _server.Script = request => random.Next(8) > 0 ? null : random.Next(6) switch
        {
            0 => new Fault(500, "InternalError"),
            1 => new Fault(500, "", AfterEffect: true),
            2 => new Fault(503, "SlowDown"),
            3 => Fault.Cut(),
            4 => Fault.Cut(afterEffect: true),
            _ => new Fault(0, "", AfterEffect: true) { HalfBody = true },
        };
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    /// <summary>The suite opens one store a test.</summary>
    protected override IObjectStore Open() => FakeS3.Open(_server.Options with { RetriesMax = 30 });
}
