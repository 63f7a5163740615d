// Objects in a bucket. An object's key is the store's prefix, a slash and the object's name; the rest of the file tells
// how each promise of IObjectStore is kept:
//
//   put, delete       made again after any failure that may pass: doing them twice does no harm. An attempt that got no
//                     answer may still take effect after a later one has: names are not given to other content later
//                     on.
//   create if absent  S3ObjectStore.Creating.cs: a failure may hide a success, so each call can recognise its own
//                     object.
//   get, ranged get   S3Reads: hedged where slow.
//   large objects     S3ObjectWriter: parts in parallel, one request where one is enough.
//   list              pages of 1,000, in the order in which the store gives them, which is checked to be that of bytes.
using System.Net;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Dmt.Core;
using Dmt.Engine.Objects;

namespace Dmt.Objects.S3;

/// <summary>
/// Objects in a bucket of Amazon S3, or of a server that speaks its protocol and keeps the promise of
/// <c>If-None-Match: *</c>. Any number of processes may share one. Failures that may pass are retried with growing
/// pauses; what lasts is Unavailable, naming bucket, object, attempts and the last answer.
/// </summary>
public sealed partial class S3ObjectStore : IObjectStore
{
    private const int DeleteBatchMax = 1000;

    private readonly S3ObjectStoreOptions _options;
    private readonly HttpClient _http;
    private readonly AmazonS3Client _client;
    private readonly S3Requests _requests;
    private readonly S3Reads _reads;
    private readonly string _keyPrefix;

    /// <summary>Bodies go over TLS, which spares hashing them for the signature.</summary>
    private readonly bool _encrypted;

    /// <summary>The store whose connections this one uses; null where they are its own.</summary>
    private readonly S3ObjectStore? _opener;
    private volatile bool _closed;

    /// <summary>
    /// Opens the store. Makes no request: <see cref="ObjectStoreProbe"/> tells whether it can be used.
    /// </summary>
    /// <param name="options">Its settings.</param>
    /// <param name="time">The clock of timeouts and pauses.</param>
    /// <param name="random">Chance for the pauses between retries; no other thread may use it.</param>
    /// <exception cref="DmtException">InvalidArgument, naming the setting.</exception>
    public S3ObjectStore(S3ObjectStoreOptions options, TimeProvider time, Random random)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _keyPrefix = options.Location.Prefix is { Length: > 0 } prefix ? prefix + "/" : "";
        _http = S3Client.CreateHttp(options);
        try
        {
            _client = S3Client.Create(options, _http);
        }
        catch
        {
            _http.Dispose();
            throw;
        }

        _encrypted = _client.Config.ServiceURL?.StartsWith("http://", StringComparison.OrdinalIgnoreCase) != true;
        _requests = new S3Requests(options, time, random);
        _reads = new S3Reads(_client, _requests, options, time);
    }

    private S3ObjectStore(S3ObjectStore opener, S3ObjectStoreOptions options)
    {
        _options = options;
        _keyPrefix = options.Location.Prefix is { Length: > 0 } prefix ? prefix + "/" : "";
        (_opener, _http, _client, _requests) = (opener, opener._http, opener._client, opener._requests);
        (_reads, _encrypted) = (opener._reads, opener._encrypted);
    }

    public string Root => _options.Location.Prefix;

    public IObjectStore OpenSibling(string root)
    {
        var options = _options with { Location = _options.Location with { Prefix = root } };
        options.Validate();
        return new S3ObjectStore(this, options);
    }

    public string Description => _options.Location.ToString();

    /// <summary>Location and server: two servers may have a bucket of one name.</summary>
    public string Identity => $"{Description} at {_client.Config.ServiceURL ?? "Amazon S3"}";

    /// <summary>The requests made so far, with retries and hedges.</summary>
    public RequestTotals Requests => _requests.Counts.Totals;

    RequestTotals? IObjectStore.Requests => Requests;

    public async ValueTask<byte[]?> GetAsync(string name, CancellationToken cancellationToken = default)
    {
        Check(name, cancellationToken);
        return await _reads.GetAsync(
            new S3Call(RequestKind.Get, $"get of {Describe(name)}"),
            () => new GetObjectRequest { BucketName = _options.Location.Bucket, Key = Key(name) },
            ReadWholeAsync,
            IsMissing,
            cancellationToken).ConfigureAwait(false);
    }

    public IObjectReader OpenRead(string name, long length)
    {
        Check(name, CancellationToken.None);
        return new S3ObjectReader(this, name, length);
    }

    public async ValueTask PutAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        Check(name, cancellationToken);
        await PutWholeAsync(name, content, cancellationToken).ConfigureAwait(false);
    }

    public IObjectWriter OpenWrite(string name)
    {
        Check(name, CancellationToken.None);
        return new S3ObjectWriter(this, name);
    }

    public async ValueTask DeleteAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(names);
        foreach (var name in names)
        {
            Check(name, cancellationToken);
        }

        foreach (var batch in names.Chunk(DeleteBatchMax))
        {
            var what = batch.Length == 1 ? Describe(batch[0]) : $"{batch.Length} objects from {Describe(batch[0])} on";
            await _requests.CallAsync(
                new S3Call(RequestKind.Delete, $"delete of {what}"),
                ct => DeleteAsync(batch, ct),
                null,
                cancellationToken)
                .ConfigureAwait(false);
        }
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix,
        string? startAfter = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ObjectName.ValidatePrefix(prefix);
        var request = new ListObjectsV2Request
        {
            BucketName = _options.Location.Bucket,
            Prefix = _keyPrefix + prefix,
            StartAfter = string.IsNullOrEmpty(startAfter) ? null : _keyPrefix + startAfter,
        };
        var call = new S3Call(RequestKind.List, $"list of {Describe(prefix)}");
        var last = "";
        do
        {
            CheckOpen(cancellationToken);
            var page = await _requests.CallAsync(
                call, ct => _client.ListObjectsV2Async(request, ct), null, cancellationToken).ConfigureAwait(false);
            foreach (var item in page!.S3Objects ?? [])
            {
                // What else may lie there: the folder's own marker, which consoles create.
                if (item.Key.EndsWith('/') || !item.Key.StartsWith(_keyPrefix, StringComparison.Ordinal))
                {
                    continue;
                }

                var name = item.Key[_keyPrefix.Length..];
                if (string.CompareOrdinal(name, last) <= 0)
                {
                    throw DmtException.Unavailable(
                        $"{call.What}: {name} came after {last}; DMT needs listings in bytewise order, "
                        + "which S3's directory buckets lack");
                }

                last = name;
                yield return new ObjectInfo(name, item.Size ?? 0, LastModified(item));
            }

            request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
    }

    /// <summary>Ends requests under way with Closed.</summary>
    public ValueTask DisposeAsync()
    {
        if (!_closed)
        {
            _closed = true;
            if (_opener is not null)
            {
                return ValueTask.CompletedTask;
            }

            _requests.Dispose();
            _client.Dispose();
            _http.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    internal string Describe(string name) => $"{_options.Location}/{name}";

    internal void CheckOpen(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_closed || _opener is { _closed: true })
        {
            throw DmtException.Closed(Description);
        }
    }

    /// <summary>Fills the buffer; what the object lacks for that is Corruption.</summary>
    internal Task ReadRangeAsync(string name, long offset, Memory<byte> buffer, CancellationToken cancellationToken) =>
        _reads.GetAsync<object?>(
            new S3Call(RequestKind.RangedGet, $"read of {Describe(name)} at {offset}", 0, buffer.Length),
            () => new GetObjectRequest
            {
                BucketName = _options.Location.Bucket,
                Key = Key(name),
                ByteRange = new ByteRange(offset, offset + buffer.Length - 1),
            },
            async (answer, ct) =>
            {
                // A server that ignores the range sends the object's beginning.
                if (offset > 0 && answer.HttpStatusCode != HttpStatusCode.PartialContent)
                {
                    throw DmtException.Unavailable(
                        $"{Description} ignores the range of a read: it cannot hold a DMT store");
                }

                var read = await answer.ResponseStream.ReadAtLeastAsync(buffer, buffer.Length, false, ct)
                    .ConfigureAwait(false);
                _requests.Counts.Received(read);
                if (read < buffer.Length)
                {
                    throw answer.ContentLength > read
                        ? new EndOfStreamException($"{read} of {answer.ContentLength} bytes came")
                        : DmtException.Corruption(
                            Describe(name),
                            offset,
                            $"{buffer.Length} bytes expected, the object ends at {offset + read}");
                }

                return null;
            },
            failure => failure switch
            {
                { Code: "InvalidRange" } or { Status: 416 } => throw DmtException.Corruption(
                    Describe(name), offset, $"{buffer.Length} bytes expected, the object ends before", failure.Cause),
                _ when IsMissing(failure) => throw DmtException.Corruption(
                    Describe(name), offset, "the object is missing", failure.Cause),
                _ => false,
            },
            cancellationToken);

    internal Task PutWholeAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        _requests.CallAsync(
            new S3Call(RequestKind.Put, $"put of {Describe(name)}", content.Length),
            ct => PutOnceAsync(name, content, null, ct),
            null,
            cancellationToken);

    /// <param name="name">The object.</param>
    /// <param name="content">Its content.</param>
    /// <param name="writer">For a conditional create, whose it is.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    private async Task<PutObjectResponse> PutOnceAsync(
        string name, ReadOnlyMemory<byte> content, string? writer, CancellationToken cancellationToken)
    {
        using var body = MemoryBody.Of(content);
        var request = new PutObjectRequest
        {
            BucketName = _options.Location.Bucket,
            Key = Key(name),
            InputStream = body,
            AutoCloseStream = false,
            UseChunkEncoding = false,
            DisablePayloadSigning = _encrypted,
        };
        if (writer is not null)
        {
            request.IfNoneMatch = "*";
            request.Metadata[WriterKey] = writer;
        }

        return await _client.PutObjectAsync(request, cancellationToken).ConfigureAwait(false);
    }

    private async Task<byte[]?> ReadWholeAsync(GetObjectResponse answer, CancellationToken cancellationToken)
    {
        var content = new byte[answer.ContentLength];
        await answer.ResponseStream.ReadExactlyAsync(content, cancellationToken).ConfigureAwait(false);
        _requests.Counts.Received(content.Length);
        return await answer.ResponseStream.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false) == 0
            ? content
            : throw new IOException($"more than the announced {content.Length} bytes came");
    }

    private async Task<bool> DeleteAsync(string[] names, CancellationToken cancellationToken)
    {
        var bucket = _options.Location.Bucket;
        if (names.Length == 1)
        {
            await _client.DeleteObjectAsync(bucket, Key(names[0]), cancellationToken).ConfigureAwait(false);
            return true;
        }

        var request = new DeleteObjectsRequest
        {
            BucketName = bucket,
            Objects = [.. names.Select(n => new KeyVersion { Key = Key(n) })],
            Quiet = true,
        };
        try
        {
            await _client.DeleteObjectsAsync(request, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (DeleteObjectsException e) when (e.Response.DeleteErrors is [var error, ..])
        {
            // Answered with 200, and yet some were not deleted: the first of them speaks for all.
            throw new AmazonS3Exception(
                $"{error.Key}: {error.Message}", e, ErrorType.Unknown, error.Code, "", HttpStatusCode.OK);
        }
    }

    private string Key(string name) => _keyPrefix + name;

    private static bool IsMissing(S3Failure failure) => failure is { Status: 404, Code: not "NoSuchBucket" };

    private static DateTimeOffset LastModified(S3Object item) =>
        item.LastModified is { } at ? new DateTimeOffset(at.ToUniversalTime()) : DateTimeOffset.UnixEpoch;

    private void Check(string name, CancellationToken cancellationToken)
    {
        ObjectName.Validate(name);
        CheckOpen(cancellationToken);
    }
}
