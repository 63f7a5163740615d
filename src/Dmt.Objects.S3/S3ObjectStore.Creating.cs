// Create if absent, when an attempt's outcome may be unknown.
//
// The store decides who wins: it answers 412 to every conditional put but the first. But an answer can be lost, or be a
// 500 that a part of the store gave after another part had stored the object; then the next attempt meets its own
// object and is told 412. Taking that for a defeat would fence a healthy owner; taking it for a victory would make two
// owners. So every call puts an id of its own into the object's metadata, the same in each of its attempts, and reads
// it back when in doubt:
//
//   200                       won.
//   412                       read back: own id, won; another or none, lost. Also after a first attempt: what lies
//                             between here and the store may have repeated it.
//   no answer, 5xx            read back: own id, won; another or none, lost; no object, try again. An attempt that is
//                             still on its way may then arrive first, and the next one meets it as its own.
//   409, 429, ...             no effect: try again.
//
// The id is the one thing here that must differ between processes whatever seeds they were given, so it is not drawn
// from the injected randomness.
using System.Globalization;
using System.Security.Cryptography;
using Amazon.S3.Model;
using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Objects.S3;

public sealed partial class S3ObjectStore
{
    /// <summary>The name of the metadata that hold the writer's id; sent as <c>x-amz-meta-dmt-writer</c>.</summary>
    internal const string WriterKey = "dmt-writer";

    private readonly string _writerPrefix = RandomNumberGenerator.GetHexString(32, lowercase: true);
    private long _writers;

    /// <exception cref="DmtException">
    /// Unavailable after an attempt without a clear answer: the object may have been created, or may yet be.
    /// </exception>
    public async ValueTask<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        Check(name, cancellationToken);
        var call = new S3Call(RequestKind.ConditionalPut, $"create of {Describe(name)}", content.Length);
        var writer = NewWriter();
        var unclear = false;
        for (var attempts = 1; ; attempts++)
        {
            var (_, failure) = await _requests.TryAsync(
                call, ct => PutOnceAsync(name, content, writer, ct), cancellationToken).ConfigureAwait(false);
            if (failure is null)
            {
                return true;
            }

            var refused = failure.Status == 412;
            if (refused || failure.Ambiguous)
            {
                var (exists, seen) = await WriterOfAsync(name, cancellationToken).ConfigureAwait(false);
                if (exists)
                {
                    return seen == writer;
                }
            }

            // Refused and then not there: deleted in between. Whose it was cannot be told once an answer was missing.
            unclear |= failure.Ambiguous;
            var again = failure.Retryable || (refused && !unclear);
            if (!again || !_requests.MayRetry(attempts))
            {
                throw call.Failed(failure, attempts, unclear ? "; it may have been created, or may yet be" : "");
            }

            await _requests.PauseAsync(attempts, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Who wrote the object that is there now.</summary>
    internal async Task<(bool Exists, string? Writer)> WriterOfAsync(string name, CancellationToken cancellationToken)
    {
        var request = new GetObjectMetadataRequest { BucketName = _options.Location.Bucket, Key = Key(name) };
        var metadata = await _requests.CallAsync(
            new S3Call(RequestKind.Head, $"head of {Describe(name)}"),
            ct => _client.GetObjectMetadataAsync(request, ct),
            IsMissing,
            cancellationToken).ConfigureAwait(false);
        return (metadata is not null, metadata?.Metadata[WriterKey]);
    }

    private string NewWriter() => string.Create(
        CultureInfo.InvariantCulture, $"{_writerPrefix}-{Interlocked.Increment(ref _writers)}");
}
