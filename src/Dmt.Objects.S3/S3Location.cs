using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Objects.S3;

/// <summary>A place in a bucket.</summary>
/// <param name="Bucket">The bucket's name.</param>
/// <param name="Prefix">What all names there begin with, without slashes at its ends; empty for the whole
/// bucket.</param>
public sealed record S3Location(string Bucket, string Prefix)
{
    private const string Scheme = "s3://";

    /// <summary>Longest prefix, in bytes: with a slash and the longest object name it fills S3's 1,024 bytes.</summary>
    public const int PrefixBytesMax = 1024 - 1 - ObjectName.BytesMax;

    /// <summary>Reads <c>s3://bucket</c> or <c>s3://bucket/prefix</c>; slashes at the end do not matter.</summary>
    /// <exception cref="DmtException">InvalidArgument, saying what was given and what is allowed.</exception>
    public static S3Location Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.StartsWith(Scheme, StringComparison.Ordinal))
        {
            throw DmtException.InvalidArgument($"the store \"{text}\" is no S3 location: expected s3://bucket/prefix");
        }

        var rest = text.AsSpan(Scheme.Length);
        var slash = rest.IndexOf('/');
        var location = slash < 0
            ? new S3Location(rest.ToString(), "")
            : new S3Location(rest[..slash].ToString(), rest[(slash + 1)..].TrimEnd('/').ToString());
        location.Validate();
        return location;
    }

    public override string ToString() => Prefix.Length == 0 ? Scheme + Bucket : $"{Scheme}{Bucket}/{Prefix}";

    /// <exception cref="DmtException">InvalidArgument, saying what was given and what is allowed.</exception>
    internal void Validate()
    {
        // Today's rule for new buckets; old ones in us-east-1 may have capitals and underscores, servers of one's own
        // more.
        if (Bucket.Length is < 3 or > 63 || !Bucket.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_'))
        {
            throw DmtException.InvalidArgument(
                $"the bucket \"{Bucket}\" of {this}: expected 3 to 63 letters, digits, dashes or dots");
        }

        if (Prefix.Length > PrefixBytesMax)
        {
            throw DmtException.InvalidArgument(
                $"the prefix of {this} has {Prefix.Length} bytes: expected at most {PrefixBytesMax}");
        }

        if (Prefix.Length > 0)
        {
            ObjectName.Validate(Prefix);
        }
    }
}
