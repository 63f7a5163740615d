using Amazon.S3.Model;
using Dmt.Engine.Objects;

namespace Dmt.Objects.S3;

/// <summary>The requests of an upload in parts.</summary>
public sealed partial class S3ObjectStore
{
    internal int PartBytes => _options.MultipartBytes;

    internal int PartsInFlightMax => _options.PartsInFlightMax;

    /// <summary>Begins an upload and returns its id, and the writer's id that its object will carry.</summary>
    internal async Task<(string Upload, string Writer)> BeginUploadAsync(
        string name, CancellationToken cancellationToken)
    {
        var writer = NewWriter();
        var request = new InitiateMultipartUploadRequest { BucketName = _options.Location.Bucket, Key = Key(name) };
        request.Metadata[WriterKey] = writer;
        var begun = await _requests.CallAsync(
            new S3Call(RequestKind.Multipart, $"beginning of the upload of {Describe(name)}"),
            ct => _client.InitiateMultipartUploadAsync(request, ct),
            null,
            cancellationToken).ConfigureAwait(false);
        return (begun!.UploadId, writer);
    }

    /// <param name="name">The object.</param>
    /// <param name="upload">The upload's id.</param>
    /// <param name="number">The part's number, from 1.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The part's tag.</returns>
    internal async Task<string> UploadPartAsync(
        string name, string upload, int number, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var answer = await _requests.CallAsync(
            new S3Call(RequestKind.Multipart, $"upload of part {number} of {Describe(name)}", content.Length),
            async ct =>
            {
                using var body = MemoryBody.Of(content);
                return await _client.UploadPartAsync(
                    new UploadPartRequest
                    {
                        BucketName = _options.Location.Bucket,
                        Key = Key(name),
                        UploadId = upload,
                        PartNumber = number,
                        PartSize = content.Length,
                        InputStream = body,
                        UseChunkEncoding = false,
                        DisablePayloadSigning = _encrypted,
                    },
                    ct).ConfigureAwait(false);
            },
            null,
            cancellationToken).ConfigureAwait(false);
        return answer!.ETag;
    }

    /// <summary>Makes the object appear.</summary>
    internal async Task CompleteUploadAsync(
        string name, string upload, string writer, IReadOnlyList<string> tags, CancellationToken cancellationToken)
    {
        var call = new S3Call(RequestKind.Multipart, $"completion of the upload of {Describe(name)}");
        var request = new CompleteMultipartUploadRequest
        {
            BucketName = _options.Location.Bucket,
            Key = Key(name),
            UploadId = upload,
            PartETags = [.. tags.Select((tag, i) => new PartETag(i + 1, tag))],
        };
        S3Failure? gone = null;
        var completed = await _requests.CallAsync(
            call,
            async ct =>
            {
                var answer = await _client.CompleteMultipartUploadAsync(request, ct).ConfigureAwait(false);
                // The answer begins before the work is done, so a failure can come with a status of 200.
                return answer.Key is { Length: > 0 } ? answer : throw new IOException("the completion names no object");
            },
            failure =>
            {
                gone = failure.Code == "NoSuchUpload" ? failure : null;
                return gone is not null;
            },
            cancellationToken).ConfigureAwait(false);

        // No such upload any more: an attempt whose answer was lost has completed it, or somebody gave it up.
        if (completed is null && (await WriterOfAsync(name, cancellationToken).ConfigureAwait(false)).Writer != writer)
        {
            throw call.Failed(gone!, 1);
        }
    }

    /// <summary>Gives an upload up, parts and all.</summary>
    internal Task AbortUploadAsync(string name, string upload, CancellationToken cancellationToken) =>
        _requests.CallAsync(
            new S3Call(RequestKind.Delete, $"giving up of the upload of {Describe(name)}"),
            ct => _client.AbortMultipartUploadAsync(_options.Location.Bucket, Key(name), upload, ct),
            failure => failure.Code == "NoSuchUpload",
            cancellationToken);

    internal void UploadAbandoned() => _requests.Counts.UploadAbandoned();
}
