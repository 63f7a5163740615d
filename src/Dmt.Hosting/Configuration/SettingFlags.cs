using System.CommandLine;

namespace Dmt.Hosting.Configuration;

/// <summary>A program's settings as flags of a command, with the file and a look at what would hold.</summary>
internal sealed class SettingFlags<T>
    where T : ServerSettings
{
    private readonly T _defaults;
    private readonly Dictionary<Setting<T>, Option<string?>> _flags;
    private readonly Option<string?> _config = new("--config")
    {
        Description = $"Configuration file. Default: {SettingsLoader.DefaultFile} where there is one",
        HelpName = "FILE",
    };

    public SettingFlags(IReadOnlyList<Setting<T>> catalog, T defaults)
    {
        (Catalog, _defaults) = (catalog, defaults);
        _flags = catalog.ToDictionary(s => s, s => new Option<string?>(s.Flag)
        {
            Description =
                $"{s.Help}: {s.Allowed}. Default: {(s.Show(defaults) is { Length: > 0 } text ? text : "none")}",
            HelpName = s.Name.Split('_')[^1].ToUpperInvariant(),
        });
    }

    public IReadOnlyList<Setting<T>> Catalog { get; }

    /// <summary>Asks for no more than what would hold.</summary>
    public Option<bool> Print { get; } =
        new("--print-config") { Description = "Show the settings and where each comes from, and end" };

    public void AddTo(Command command)
    {
        foreach (var setting in Catalog)
        {
            command.Add(_flags[setting]);
        }

        command.Add(_config);
        command.Add(Print);
    }

    /// <summary>Reads all sources.</summary>
    /// <exception cref="Core.DmtException">As <see cref="SettingsLoader.Load"/>.</exception>
    public EffectiveSettings<T> Load(ParseResult parse, IReadOnlyDictionary<string, string> environment)
    {
        var given = _flags
            .Select(f => KeyValuePair.Create(f.Key.Name, parse.GetValue(f.Value)!))
            .Where(f => f.Value is not null);
        return SettingsLoader.Load(Catalog, _defaults, parse.GetValue(_config), environment, given);
    }
}
