using System.Collections;

namespace Dmt.Hosting;

/// <summary>The environment of this process.</summary>
internal static class EnvironmentVariables
{
    public static IReadOnlyDictionary<string, string> Read()
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            environment[(string)variable.Key] = (string?)variable.Value ?? string.Empty;
        }

        return environment;
    }
}
