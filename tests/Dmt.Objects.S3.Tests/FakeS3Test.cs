using Dmt.Core;

namespace Dmt.Objects.S3.Tests;

/// <summary>A test with a server of its own that fails on request.</summary>
public abstract class FakeS3Test : IAsyncLifetime
{
    internal FakeS3 Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await FakeS3.StartAsync();

    public async Task DisposeAsync() => await Server.DisposeAsync();

    /// <summary>The n-th request of a method, from 1, fails like this.</summary>
    private protected void Fail(string method, int number, Fault fault)
    {
        var seen = 0;
        Server.Script = request => request.Method == method && ++seen == number ? fault : null;
    }

    protected static async Task<DmtException> UnavailableAsync(Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<DmtException>(call);
        Assert.Equal(DmtErrorKind.Unavailable, error.Kind);
        return error;
    }

    protected static TaskCompletionSource NewGate() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
