using System.CommandLine;
using Dmt.Core;
using Dmt.Engine;

namespace Dmt.Cli.Commands;

/// <summary>The store that maintenance works on: behind a server, or opened here.</summary>
internal sealed class MaintenanceTarget
{
    private readonly TargetOptions _target;

    private MaintenanceTarget(TargetOptions target) => _target = target;

    public static MaintenanceTarget AddTo(Command command) => new(TargetOptions.AddTo(command));

    /// <param name="parse">The command line.</param>
    /// <param name="io">The world.</param>
    /// <param name="options">For a store that is opened here.</param>
    /// <param name="cancellationToken">Gives up opening.</param>
    /// <exception cref="DmtException">Unavailable where there is no store, or another process has it.</exception>
    public ValueTask<ITrieStore> OpenAsync(
        ParseResult parse, CommandIo io, EngineOptions options, CancellationToken cancellationToken) =>
        _target.OpenAsync(parse, io, create: false, options, cancellationToken);

    /// <exception cref="DmtException">InvalidArgument where a server is meant.</exception>
    public void RequireStopped(ParseResult parse)
    {
        if (_target.IsServer(parse))
        {
            throw DmtException.InvalidArgument(
                "a running server cannot restore: a restore opens the store anew. Stop the server and name its store, "
                    + "with --data DIR or --store s3://BUCKET/PREFIX");
        }
    }

    /// <summary>The store's maintenance.</summary>
    public static IStoreMaintenance Of(ITrieStore store) =>
        store as IStoreMaintenance
        ?? throw DmtException.InvalidArgument("this store has neither checkpoints nor garbage");
}
