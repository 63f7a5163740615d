using System.Text.Json;
using Dmt.Core;

namespace Dmt.Hosting.Configuration;

/// <summary>
/// Reads a program's settings from a file, the environment and the flags, each over the one before. Strict: a name that
/// is unknown or a value that is not allowed, in any source, is an error even where a later source would win.
/// </summary>
internal static class SettingsLoader
{
    /// <summary>The file that is read when it lies in the current folder and no other is named.</summary>
    public const string DefaultFile = "config.json";

    /// <summary>What every environment variable that is a setting begins with.</summary>
    public const string EnvironmentPrefix = "DMT__";

    private static readonly JsonDocumentOptions JsonOptions = new()
    {
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
    };

    /// <param name="catalog">Every setting that the program has.</param>
    /// <param name="defaults">What holds where no source says otherwise.</param>
    /// <param name="file">The file named with <c>--config</c>; null for <see cref="DefaultFile"/>, which need not be
    /// there.</param>
    /// <param name="environment">All environment variables.</param>
    /// <param name="flags">Setting name and text of each flag that was given.</param>
    /// <exception cref="DmtException">InvalidArgument: one line with the setting, its source, what was given and what
    /// is allowed.</exception>
    public static EffectiveSettings<T> Load<T>(
        IReadOnlyList<Setting<T>> catalog,
        T defaults,
        string? file,
        IReadOnlyDictionary<string, string> environment,
        IEnumerable<KeyValuePair<string, string>> flags)
        where T : ServerSettings
    {
        var settings = defaults;
        var sources = new Dictionary<string, string>(StringComparer.Ordinal);
        var given = FromFile(file, catalog).Concat(FromEnvironment(environment)).Concat(FromFlags(flags));
        foreach (var (name, text, source) in given)
        {
            var setting = catalog.Find(name) ?? throw Unknown(name, source, catalog.Select(static s => s.Name));
            settings = setting.Apply(settings, text) ?? throw Refused(setting.Name, setting.Allowed, text, source);
            sources[name] = source;
        }

        settings.Validate();
        return new(settings, sources);
    }

    /// <summary>The setting of that name; null where there is none.</summary>
    public static Setting<T>? Find<T>(this IReadOnlyList<Setting<T>> catalog, string name)
        where T : class =>
        catalog.FirstOrDefault(s => s.Name.Equals(name, StringComparison.Ordinal));

    private static IEnumerable<(string Name, string Text, string Source)> FromFile<T>(
        string? file, IReadOnlyList<Setting<T>> catalog)
        where T : class
    {
        var path = file ?? DefaultFile;
        if (file is null && !File.Exists(path))
        {
            yield break;
        }

        using var document = ParseFile(path);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw DmtException.InvalidArgument($"{path} holds no JSON object: expected {{\"port\": 3030, …}}");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in document.RootElement.EnumerateObject())
        {
            if (!seen.Add(property.Name))
            {
                throw DmtException.InvalidArgument($"{property.Name} stands twice in {path}");
            }

            var value = property.Value;
            var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
            if (value.ValueKind is JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.Null
                && catalog.Find(property.Name) is { } setting
                && !(setting.TakesList && value.ValueKind == JsonValueKind.Array))
            {
                throw Refused(setting.Name, setting.Allowed, text, path);
            }

            yield return (property.Name, text, path);
        }
    }

    private static JsonDocument ParseFile(string path)
    {
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(path), JsonOptions);
        }
        catch (JsonException e)
        {
            throw new DmtException(
                DmtErrorKind.InvalidArgument,
                    $"{path} is not valid JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DmtException(
                DmtErrorKind.InvalidArgument, $"cannot read the configuration {path}: {e.Message}", e);
        }
    }

    private static IEnumerable<(string Name, string Text, string Source)> FromEnvironment(
        IReadOnlyDictionary<string, string> environment)
    {
        foreach (var (variable, text) in environment.OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            if (variable.StartsWith(EnvironmentPrefix, StringComparison.OrdinalIgnoreCase))
            {
                var name = variable[EnvironmentPrefix.Length..].ToLowerInvariant();
                yield return (name, text, $"the environment ({variable})");
            }
        }
    }

    private static IEnumerable<(string Name, string Text, string Source)> FromFlags(
        IEnumerable<KeyValuePair<string, string>> flags)
    {
        foreach (var (name, text) in flags)
        {
            yield return (name, text, "the flag --" + name.Replace('_', '-'));
        }
    }

    private static DmtException Unknown(string name, string source, IEnumerable<string> known)
    {
        var names = known.ToArray();
        var hint = NearName.Hint(name, names);
        return DmtException.InvalidArgument(
            $"unknown setting {name} in {source}{hint}; the settings are {string.Join(", ", names)}");
    }

    private static DmtException Refused(string name, string allowed, string text, string source) =>
        DmtException.InvalidArgument($"{name} from {source} is \"{OneLine(text)}\": expected {allowed}");

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
