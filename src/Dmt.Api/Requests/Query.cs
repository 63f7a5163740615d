using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Dmt.Api.OpenApi;
using Dmt.Core;

namespace Dmt.Api.Requests;

/// <summary>
/// The query parameters of a call: strictly decoded, each at most once, none that the call does not know.
/// </summary>
internal readonly struct Query
{
    private readonly List<(string Name, byte[] Value)>? _values;

    private Query(List<(string Name, byte[] Value)>? values) => _values = values;

    /// <param name="query">As it stands in the request, with its question mark; may be null or empty.</param>
    /// <param name="call">The call, which lists what it takes.</param>
    /// <exception cref="DmtException">InvalidArgument, naming the parameter.</exception>
    public static Query Read(string? query, ApiCall call)
    {
        if (string.IsNullOrEmpty(query) || query.Length == 1)
        {
            return default;
        }

        var values = new List<(string Name, byte[] Value)>(4);
        var text = query.AsSpan(1);
        foreach (var part in text.Split('&'))
        {
            var pair = text[part];
            if (pair.IsEmpty)
            {
                continue;
            }

            var equals = pair.IndexOf('=');
            var rawName = equals < 0 ? pair : pair[..equals];
            var name = Encoding.UTF8.GetString(PercentEncoding.Decode(rawName, true, "query"));
            if (!call.TakesQuery(name))
            {
                throw DmtException.InvalidArgument($"unknown query parameter \"{Shorten(name)}\": {call.QueryNames}");
            }

            if (values.Exists(value => value.Name == name))
            {
                throw DmtException.InvalidArgument($"the query parameter {name} is given twice");
            }

            values.Add((name, PercentEncoding.Decode(equals < 0 ? default : pair[(equals + 1)..], true, name)));
        }

        return new(values);
    }

    /// <summary>The bytes of a parameter, which belong to the caller; null where it is absent.</summary>
    public byte[]? Bytes(string name)
    {
        if (_values is not null)
        {
            foreach (var (found, value) in _values)
            {
                if (found == name)
                {
                    return value;
                }
            }
        }

        return null;
    }

    public string? Text(string name)
    {
        var bytes = Bytes(name);
        return bytes is null ? null
            : Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes)
            : throw DmtException.InvalidArgument($"the query parameter {name} is not valid UTF-8");
    }

    /// <summary>
    /// A whole number from 1 to <paramref name="max"/>; <paramref name="otherwise"/> where it is absent.
    /// </summary>
    public long Limit(long otherwise, long max)
    {
        if (Text("limit") is not { } text)
        {
            return otherwise;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit >= 1
            && limit <= max
            ? limit
            : throw DmtException.InvalidArgument($"limit is \"{Shorten(text)}\": expected 1 to {max}");
    }

    /// <summary>True for <c>true</c>, <c>1</c> or the bare name; false when absent, <c>false</c> or <c>0</c>.</summary>
    public bool Flag(string name) => Text(name) switch
    {
        null or "false" or "0" => false,
        "true" or "1" or "" => true,
        var other => throw DmtException.InvalidArgument($"{name} is \"{Shorten(other)}\": expected true or false"),
    };

    /// <summary>The weight; 0 where it is absent.</summary>
    public double Weight() => Text("weight") switch
    {
        null => 0,
        var text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) =>
            EntryMetadata.CheckWeight(weight),
        var text =>
            throw DmtException.InvalidArgument($"weight is \"{Shorten(text)}\": expected a number of at least 0"),
    };

    /// <summary>The durability that <c>fsync</c> asks for; null means as the store is set.</summary>
    public Durability? Durability() => Text("fsync") is { } text ? Core.Durability.Parse(text) : null;

    private static string Shorten(string text) => text.Length > 80 ? text[..80] + "…" : text;
}
