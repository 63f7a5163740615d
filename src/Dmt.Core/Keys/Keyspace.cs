using System.Text;

namespace Dmt.Core.Keys;

/// <summary>
/// A part of the keys whose segments can be searched in any order: those that begin with its prefix and then have so
/// many segments, none of them empty. Other keys under the prefix are stored as ever and are not found by patterns.
/// Immutable, safe for concurrent use; equal to another one that says the same.
/// </summary>
public sealed class Keyspace : IEquatable<Keyspace>
{
    /// <summary>The most segments: C(6, 3) = 20 copies of each key.</summary>
    public const int SegmentsMax = 6;

    /// <summary>The most characters of a name.</summary>
    public const int NameLengthMax = 64;

    /// <summary>The most bytes of a separator.</summary>
    public const int SeparatorBytesMax = 16;

    private readonly byte[] _prefix;
    private readonly byte[] _separator;
    private readonly int[] _widths;

    private Keyspace(string name, ReadOnlySpan<byte> prefix, byte[] separator, int[] widths, int segments)
    {
        CheckName(name);
        if (prefix.Length > Key.BytesMax / 2)
        {
            throw DmtException.InvalidArgument(
                $"keyspace {name}: a prefix of {prefix.Length} bytes: expected 0 to {Key.BytesMax / 2}");
        }

        if (segments is < 2 or > SegmentsMax)
        {
            throw DmtException.InvalidArgument(
                $"keyspace {name}: {segments} segments: expected 2 to {SegmentsMax}");
        }

        (Name, _prefix, _separator, _widths, Segments) = (name, prefix.ToArray(), separator, widths, segments);
        Schema = widths.Length > 0 ? KeySchema.FixedWidths(widths) : KeySchema.Separated(separator, segments);
        PatternSeparator = PatternSeparatorOf(separator);
    }

    /// <summary>What searches call it: 1 to 64 letters, digits, '-' and '_'.</summary>
    public string Name { get; }

    /// <summary>What its keys begin with; empty for all keys. 0 to 512 bytes.</summary>
    public ReadOnlyMemory<byte> Prefix => _prefix;

    /// <summary>What stands between segments; empty where each has a width.</summary>
    public ReadOnlyMemory<byte> Separator => _separator;

    /// <summary>Bytes of each segment, in order; empty where there is a separator.</summary>
    public IReadOnlyList<int> Widths => _widths;

    /// <summary>The number of segments behind the prefix, 2 to <see cref="SegmentsMax"/>.</summary>
    public int Segments { get; }

    /// <summary>How what follows the prefix is cut.</summary>
    public KeySchema Schema { get; }

    /// <summary>
    /// What stands between the segments of a pattern: the separator; "/" where there is none, or it is no printable
    /// text or holds a star or a backslash.
    /// </summary>
    public string PatternSeparator { get; }

    /// <summary>Keys with a separator between their segments.</summary>
    /// <param name="name">1 to 64 letters, digits, '-' and '_'.</param>
    /// <param name="prefix">0 to 512 bytes.</param>
    /// <param name="separator">1 to 16 bytes.</param>
    /// <param name="segments">2 to <see cref="SegmentsMax"/>.</param>
    /// <exception cref="DmtException">InvalidArgument for what is out of its range.</exception>
    public static Keyspace Separated(
        string name, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> separator, int segments)
    {
        if (separator.Length is < 1 or > SeparatorBytesMax)
        {
            throw DmtException.InvalidArgument(
                $"keyspace {name}: a separator of {separator.Length} bytes: expected 1 to {SeparatorBytesMax}");
        }

        return new Keyspace(name, prefix, separator.ToArray(), [], segments);
    }

    /// <inheritdoc cref="Separated(string, ReadOnlySpan{byte}, ReadOnlySpan{byte}, int)"/>
    public static Keyspace Separated(string name, string prefix, string separator, int segments) =>
        Separated(name, Key.PrefixFromText(prefix), Key.PrefixFromText(separator), segments);

    /// <summary>Keys whose segments have a width each.</summary>
    /// <param name="name">1 to 64 letters, digits, '-' and '_'.</param>
    /// <param name="prefix">0 to 512 bytes.</param>
    /// <param name="widths">Bytes of each segment, 1 or more; 2 to <see cref="SegmentsMax"/> of them.</param>
    /// <exception cref="DmtException">InvalidArgument for what is out of its range.</exception>
    public static Keyspace FixedWidths(string name, ReadOnlySpan<byte> prefix, params ReadOnlySpan<int> widths) =>
        new(name, prefix, [], widths.ToArray(), widths.Length);

    public bool Equals(Keyspace? other) => other is not null && Name == other.Name && Segments == other.Segments
        && _prefix.AsSpan().SequenceEqual(other._prefix) && _separator.AsSpan().SequenceEqual(other._separator)
        && _widths.AsSpan().SequenceEqual(other._widths);

    public override bool Equals(object? obj) => Equals(obj as Keyspace);

    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);

    public override string ToString() =>
        $"keyspace {Name}: {Segments} {Schema} under \"{Key.ToDisplay(_prefix)}\"";

    /// <summary>Checks that no key is in two of them, and that no name is given twice.</summary>
    /// <exception cref="DmtException">InvalidArgument.</exception>
    public static void CheckTogether(IReadOnlyList<Keyspace> keyspaces)
    {
        for (var i = 0; i < keyspaces.Count; i++)
        {
            for (var j = 0; j < keyspaces.Count; j++)
            {
                if (i != j && keyspaces[i].Name == keyspaces[j].Name)
                {
                    throw DmtException.InvalidArgument($"there are two keyspaces of the name {keyspaces[i].Name}");
                }

                if (i != j && keyspaces[i]._prefix.AsSpan().StartsWith(keyspaces[j]._prefix))
                {
                    throw DmtException.InvalidArgument(
                        $"keyspace {keyspaces[i].Name} (\"{Key.ToDisplay(keyspaces[i]._prefix)}\") lies within "
                        + $"keyspace {keyspaces[j].Name} (\"{Key.ToDisplay(keyspaces[j]._prefix)}\"): "
                        + "expected prefixes of which none begins with another");
                }
            }
        }
    }

    private static void CheckName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length is < 1 or > NameLengthMax
            || name.Any(static c => !char.IsAsciiLetterOrDigit(c) && c is not '-' and not '_'))
        {
            throw DmtException.InvalidArgument(
                $"a keyspace's name is \"{name}\": expected 1 to {NameLengthMax} letters, digits, '-' and '_'");
        }
    }

    private static string PatternSeparatorOf(byte[] separator)
    {
        if (separator.Length == 0 || !System.Text.Unicode.Utf8.IsValid(separator))
        {
            return "/";
        }

        var text = Encoding.UTF8.GetString(separator);
        return text.Any(static c => char.IsControl(c) || c is '*' or '\\') ? "/" : text;
    }
}
