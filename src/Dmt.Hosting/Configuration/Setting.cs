namespace Dmt.Hosting.Configuration;

/// <summary>One setting of a program that serves, whichever source it comes from.</summary>
/// <typeparam name="T">The program's settings, a record.</typeparam>
/// <param name="Name">Its name in the file, in snake case; <c>DMT__NAME</c> in the environment, <c>--na-me</c> as a
/// flag.</param>
/// <param name="Help">What it does, in one line.</param>
/// <param name="Allowed">The values that it takes, for messages and help: "expected …".</param>
/// <param name="Apply">The settings with the value taken over; null where the value is not allowed.</param>
/// <param name="Show">The effective value as text, in a form that <paramref name="Apply"/> would take.</param>
internal sealed record Setting<T>(
    string Name,
    string Help,
    string Allowed,
    Func<T, string, T?> Apply,
    Func<T, string> Show)
    where T : class
{
    /// <summary>In the file it may be a list.</summary>
    public bool TakesList { get; init; }

    /// <summary>The setting as a flag.</summary>
    public string Flag => "--" + Name.Replace('_', '-');

    /// <summary>The setting in the environment.</summary>
    public string Variable => SettingsLoader.EnvironmentPrefix + Name.ToUpperInvariant();
}
