using System.Globalization;
using System.Security.Cryptography;

namespace Dmt.Testing;

/// <summary>Where chance comes from: a fresh seed each run, or that of DMT_SEED to repeat one.</summary>
public static class Seed
{
    public const string Variable = "DMT_SEED";

    public static int Next() => Number(Variable) ?? RandomNumberGenerator.GetInt32(int.MaxValue);

    /// <summary>The number in an environment variable; null where it is not set.</summary>
    public static int? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : null;
}
