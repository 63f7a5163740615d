using System.Globalization;
using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Objects.S3;

/// <summary>A call to the store, which may take several attempts.</summary>
/// <param name="Kind">What its requests count as.</param>
/// <param name="What">What it does, for messages: <c>put of s3://bucket/a/b</c>.</param>
/// <param name="BytesUp">Bytes of objects that a request carries.</param>
/// <param name="BytesDown">Bytes of objects that its answer is expected to carry.</param>
internal sealed record S3Call(RequestKind Kind, string What, long BytesUp = 0, long BytesDown = 0)
{
    /// <summary>The error for a call whose last attempt failed like this.</summary>
    /// <param name="failure">The last failure.</param>
    /// <param name="attempts">Attempts made.</param>
    /// <param name="remark">What else its caller must know; empty for nothing.</param>
    public DmtException Failed(S3Failure failure, int attempts, string remark = "") => DmtException.Unavailable(
        string.Create(CultureInfo.InvariantCulture,
            $"{What} failed after {attempts} attempt{(attempts == 1 ? "" : "s")}: {failure.Text}{remark}"),
        failure.Cause);
}
