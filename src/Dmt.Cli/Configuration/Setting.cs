namespace Dmt.Cli.Configuration;

/// <summary>One setting of <c>dmt serve</c>, whichever source it comes from.</summary>
/// <param name="Name">Its name in the file, in snake case; <c>DMT__NAME</c> in the environment, <c>--na-me</c> as a
/// flag.</param>
/// <param name="Help">What it does, in one line.</param>
/// <param name="Allowed">The values that it takes, for messages and help: "expected …".</param>
/// <param name="Apply">The settings with the value taken over; null where the value is not allowed.</param>
/// <param name="Show">The effective value as text, in a form that <paramref name="Apply"/> would take.</param>
internal sealed record Setting(
    string Name,
    string Help,
    string Allowed,
    Func<ServeSettings, string, ServeSettings?> Apply,
    Func<ServeSettings, string> Show)
{
    /// <summary>In the file it may be a list.</summary>
    public bool TakesList { get; init; }

    /// <summary>The setting as a flag.</summary>
    public string Flag => "--" + Name.Replace('_', '-');

    /// <summary>The setting in the environment.</summary>
    public string Variable => EnvironmentPrefix + Name.ToUpperInvariant();

    /// <summary>What every environment variable that is a setting begins with.</summary>
    public const string EnvironmentPrefix = "DMT__";
}
