namespace Dmt.Objects.S3;

/// <summary>
/// An access key given outright, where the SDK's chain of credentials is not wanted. Shows no secret as text.
/// </summary>
public sealed record S3AccessKey(string Id, string Secret)
{
    public override string ToString() => Id;
}
