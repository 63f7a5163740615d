namespace Dmt.Hosting.Configuration;

/// <summary>The settings after all sources were read.</summary>
/// <param name="Settings">The values.</param>
/// <param name="Sources">For each setting that some source gave: the source that won, as messages name it.</param>
internal sealed record EffectiveSettings<T>(T Settings, IReadOnlyDictionary<string, string> Sources)
    where T : class
{
    /// <summary>Where the setting's value comes from.</summary>
    public string SourceOf(Setting<T> setting) => Sources.GetValueOrDefault(setting.Name, "default");
}
