using System.CommandLine;
using Dmt.Core;
using Dmt.Engine;

namespace Dmt.Cli.Commands;

/// <summary>The store that maintenance works on: always opened here, never through a server.</summary>
internal sealed class MaintenanceTarget
{
    private readonly Option<string> _data = new("--data")
    {
        Description = "The store folder, with no server on it",
        HelpName = "DIR",
        Required = true,
    };

    private MaintenanceTarget()
    {
    }

    public static MaintenanceTarget AddTo(Command command)
    {
        var target = new MaintenanceTarget();
        command.Add(target._data);
        return target;
    }

    /// <exception cref="DmtException">Unavailable where there is no store, or another process has it.</exception>
    public async ValueTask<ITrieStore> OpenAsync(
        ParseResult parse, CommandIo io, EngineOptions options, CancellationToken cancellationToken)
    {
        var folder = parse.GetRequiredValue(_data);
        return Directory.Exists(folder)
            ? await io.OpenFolder(folder, options, cancellationToken)
            : throw DmtException.Unavailable($"there is no store at {folder}: no such folder");
    }

    /// <summary>The store's maintenance.</summary>
    public static IStoreMaintenance Of(ITrieStore store) =>
        store as IStoreMaintenance
        ?? throw DmtException.InvalidArgument("this store has neither checkpoints nor garbage");
}
