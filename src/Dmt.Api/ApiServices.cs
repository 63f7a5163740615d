using Dmt.Core;
using Microsoft.Extensions.Hosting;

namespace Dmt.Api;

/// <summary>What the endpoints work with.</summary>
internal sealed class ApiServices(
    ITrieStore store, ApiOptions options, TimeProvider time, IHostApplicationLifetime lifetime)
{
    public ITrieStore Store => store;

    public ApiOptions Options => options;

    public KeyPolicies Keys { get; } = new(options);

    public TimeProvider Time => time;

    public IHostApplicationLifetime Lifetime => lifetime;
}
