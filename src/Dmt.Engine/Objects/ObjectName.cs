using System.Buffers;
using Dmt.Core;

namespace Dmt.Engine.Objects;

/// <summary>What an object may be called: see <see cref="IObjectStore"/>.</summary>
public static class ObjectName
{
    /// <summary>Longest name, in bytes.</summary>
    public const int BytesMax = 900;

    private static readonly SearchValues<char> Allowed =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./");

    /// <exception cref="DmtException">InvalidArgument, naming the name and the rule that it breaks.</exception>
    public static void Validate(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length is 0 or > BytesMax)
        {
            throw DmtException.InvalidArgument($"an object name of {name.Length} bytes: expected 1 to {BytesMax}");
        }

        CheckCharacters(name, "the object name");
        foreach (var segment in name.AsSpan().Split('/'))
        {
            CheckSegment(name, name.AsSpan(segment), "the object name");
        }
    }

    /// <summary>Checks what a listing may ask for: the beginning of a valid name, the whole name, or nothing.</summary>
    /// <exception cref="DmtException">InvalidArgument, naming the prefix and the rule that it breaks.</exception>
    public static void ValidatePrefix(string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        if (prefix.Length > BytesMax)
        {
            throw DmtException.InvalidArgument(
                $"an object name prefix of {prefix.Length} bytes: expected 0 to {BytesMax}");
        }

        CheckCharacters(prefix, "the object name prefix");
        var folders = prefix.LastIndexOf('/');
        if (folders < 0)
        {
            return;
        }

        foreach (var segment in prefix.AsSpan(0, folders).Split('/'))
        {
            CheckSegment(prefix, prefix.AsSpan(0, folders)[segment], "the object name prefix");
        }
    }

    private static void CheckCharacters(string name, string what)
    {
        var bad = name.AsSpan().IndexOfAnyExcept(Allowed);
        if (bad >= 0)
        {
            throw DmtException.InvalidArgument(
                $"{what} \"{name}\" has U+{(int)name[bad]:X4} at {bad}: expected a-z A-Z 0-9 - _ . /");
        }
    }

    private static void CheckSegment(string name, ReadOnlySpan<char> segment, string what)
    {
        if (segment is "" or "." or "..")
        {
            throw DmtException.InvalidArgument($"{what} \"{name}\" has an empty, \".\" or \"..\" segment");
        }
    }
}
