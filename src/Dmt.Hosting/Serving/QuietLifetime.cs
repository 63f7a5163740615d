using Microsoft.Extensions.Hosting;

namespace Dmt.Hosting.Serving;

/// <summary>Leaves signals to the program.</summary>
internal sealed class QuietLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
