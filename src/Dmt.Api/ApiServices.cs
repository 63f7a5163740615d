using Dmt.Api.Requests;
using Dmt.Core;
using Microsoft.Extensions.Hosting;

namespace Dmt.Api;

/// <summary>What the endpoints work with.</summary>
internal sealed class ApiServices(
    ITrieStore store,
    ApiOptions options,
    TimeProvider time,
    IHostApplicationLifetime lifetime,
    IReadiness? readiness = null)
{
    public ITrieStore Store => store;

    public ApiOptions Options => options;

    public KeyPolicies Keys { get; } = new(options);

    public TimeProvider Time => time;

    public IHostApplicationLifetime Lifetime => lifetime;

    public IReadiness Readiness { get; } = readiness ?? new StoreReadiness(store);

    /// <summary>Refuses a read that wants more than this server can promise.</summary>
    /// <exception cref="DmtException">NotOwner on a read replica; InvalidArgument for another value.</exception>
    public void CheckConsistency(Query query)
    {
        switch (query.Text("consistency"))
        {
            case null or "eventual":
                return;
            case "strong" when store is IRoleStore { Lag: not null } replica:
                throw new DmtException(
                    DmtErrorKind.NotOwner, $"this is a read replica of {replica.Main ?? "a main"}: read there");
            case "strong":
                return;
            default:
                throw DmtException.InvalidArgument("consistency must be eventual or strong");
        }
    }
}
