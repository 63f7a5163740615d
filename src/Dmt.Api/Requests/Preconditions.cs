using System.Globalization;
using Dmt.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Dmt.Api.Requests;

/// <summary>If-Match and If-None-Match (RFC 9110, section 13) in terms of versions.</summary>
internal static class Preconditions
{
    /// <summary>The strong entity tag of a version.</summary>
    public static string ETag(ulong version) => string.Create(CultureInfo.InvariantCulture, $"\"{version}\"");

    public static bool AreGiven(HttpRequest request) =>
        request.Headers.IfMatch.Count > 0 || request.Headers.IfNoneMatch.Count > 0;

    /// <summary>The condition of a write.</summary>
    /// <exception cref="DmtException">InvalidArgument where it cannot be expressed; Conflict where no version can ever
    /// match.</exception>
    public static WriteCondition ForWrite(HttpRequest request)
    {
        var match = request.Headers.IfMatch;
        var noneMatch = request.Headers.IfNoneMatch;
        if (match.Count == 0 && noneMatch.Count == 0)
        {
            return WriteCondition.None;
        }

        if (match.Count > 0 && noneMatch.Count > 0)
        {
            throw DmtException.InvalidArgument("If-Match and If-None-Match are both given: expected one of them");
        }

        if (noneMatch.Count > 0)
        {
            return noneMatch.ToString().Trim() == "*"
                ? WriteCondition.Absent
                : throw DmtException.InvalidArgument("If-None-Match of a write must be *");
        }

        var tag = match.ToString().AsSpan().Trim();
        if (tag is "*")
        {
            return WriteCondition.Present;
        }

        if (tag.Contains(','))
        {
            throw DmtException.InvalidArgument("If-Match of a write must be * or one entity tag");
        }

        if (tag.Length < 2 || tag[^1] != '"' || (tag[0] != '"' && !tag.StartsWith("W/\"")))
        {
            throw DmtException.InvalidArgument("If-Match must be * or an entity tag in double quotes, as ETag gave it");
        }

        return ulong.TryParse(tag[1..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            && version > 0
            ? WriteCondition.VersionIs(version)
            : throw DmtException.Conflict($"If-Match {tag} is no version that this server gives out", 0);
    }

    /// <summary>True where the reader has this version already.</summary>
    public static bool IsNotModified(StringValues ifNoneMatch, string etag)
    {
        foreach (var header in ifNoneMatch)
        {
            foreach (var part in header.AsSpan().Split(','))
            {
                var tag = header.AsSpan()[part].Trim();
                if (tag is "*" || (tag.StartsWith("W/") ? tag[2..] : tag).SequenceEqual(etag))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
