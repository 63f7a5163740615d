// Just enough of an S3 server to answer this project's requests, in memory, and to fail them as a test's script says:
// before or after they take effect, with a status, a cut connection, half an answer, or late. Signatures are not
// checked. One bucket: "bucket".
using System.Globalization;
using System.Net;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Dmt.Objects.S3.Tests;

internal sealed class FakeS3 : IAsyncDisposable
{
    public const string Bucket = "bucket";
    public const string Prefix = "p";

    private const string WriterHeader = "x-amz-meta-" + S3ObjectStore.WriterKey;

    private readonly WebApplication _server;
    private readonly Lock _lock = new(); // Guards the objects, the uploads and what was seen.
    private readonly SortedDictionary<string, (byte[] Content, string? Writer)> _objects = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Upload> _uploads = [];
    private readonly List<string> _seen = [];
    private int _inFlight;

    private FakeS3()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.Listen(IPAddress.Loopback, 0);
            k.Limits.MaxRequestBodySize = null;
            k.Limits.MinResponseDataRate = null;
        });
        _server = builder.Build();
        _server.Run(ServeAsync);
    }

    /// <summary>Says what is to go wrong with a request; null for nothing. Called for one request at a time.</summary>
    public Func<FakeRequest, Fault?> Script { get; set; } = _ => null;

    /// <summary>The most requests that were here at one time.</summary>
    public int InFlightMax { get; private set; }

    /// <summary>Requests in the order in which they came: <c>PUT p/a</c>.</summary>
    public string[] Seen
    {
        get
        {
            lock (_lock)
            {
                return [.. _seen];
            }
        }
    }

    public int UploadsOpen
    {
        get
        {
            lock (_lock)
            {
                return _uploads.Count;
            }
        }
    }

    public Uri Endpoint { get; private set; } = null!;

    /// <summary>Options without long waits: pauses of at most a millisecond, hedges off.</summary>
    public S3ObjectStoreOptions Options => new()
    {
        Location = new S3Location(Bucket, Prefix),
        Endpoint = Endpoint,
        AccessKey = new S3AccessKey("id", "secret"),
        RetryDelayFirst = TimeSpan.FromMilliseconds(1),
        RetryDelayMax = TimeSpan.FromMilliseconds(1),
        RetriesMax = 3,
        HedgeQuantile = 0,
        MultipartBytes = S3ObjectStoreOptions.PartBytesMin,
    };

    public static async Task<FakeS3> StartAsync()
    {
        var fake = new FakeS3();
        await fake._server.StartAsync();
        fake.Endpoint = new Uri(fake._server.Urls.First());
        return fake;
    }

    public S3ObjectStore Open() => Open(Options);

    public static S3ObjectStore Open(S3ObjectStoreOptions options) => new(options, TimeProvider.System, new Random(1));

    /// <summary>Puts an object there as another writer.</summary>
    public void Set(string name, byte[] content)
    {
        lock (_lock)
        {
            _objects[$"{Prefix}/{name}"] = (content, "another");
        }
    }

    public byte[]? Find(string name)
    {
        lock (_lock)
        {
            return _objects.TryGetValue($"{Prefix}/{name}", out var found) ? found.Content : null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(new CancellationToken(canceled: true));
        await _server.DisposeAsync();
    }

    private async Task ServeAsync(HttpContext context)
    {
        var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var path = context.Request.Path.Value!.TrimStart('/').Split('/', 2);
        var request = new FakeRequest(
            context.Request.Method, path[0], path.Length > 1 ? path[1] : "", context.Request.Query,
            context.Request.Headers, body.ToArray());
        Fault? fault;
        lock (_lock)
        {
            InFlightMax = Math.Max(InFlightMax, ++_inFlight);
            _seen.Add(request.ToString());
            fault = Script(request);
        }

        try
        {
            await (fault?.Gate ?? Task.CompletedTask);
            var answer = fault is null or { OnlySlow: true } or { AfterEffect: true } ? Apply(request) : null;
            await (fault?.AnswerGate ?? Task.CompletedTask);
            var told = fault is { OnlySlow: false, HalfBody: false } ? Of(fault) : answer;
            await AnswerAsync(context, told, fault?.HalfBody == true);
        }
        finally
        {
            lock (_lock)
            {
                _inFlight--;
            }
        }

        static FakeAnswer? Of(Fault fault) => fault.Status == 0 ? null
            : fault.Body is { } body ? new FakeAnswer(fault.Status, Encoding.UTF8.GetBytes(body))
            : FakeAnswer.Error(fault.Status, fault.Code);
    }

    private static async Task AnswerAsync(HttpContext context, FakeAnswer? answer, bool halfBody)
    {
        if (answer is null)
        {
            context.Abort();
            return;
        }

        context.Response.StatusCode = answer.Status;
        context.Response.ContentLength = answer.Status == 204 ? null : answer.Body.Length;
        foreach (var (name, value) in answer.Headers)
        {
            context.Response.Headers[name] = value;
        }

        if (context.Request.Method == "HEAD" || answer.Status == 204)
        {
            return;
        }

        await context.Response.Body.WriteAsync(halfBody ? answer.Body[..(answer.Body.Length / 2)] : answer.Body);
        if (halfBody)
        {
            await context.Response.Body.FlushAsync();
            context.Abort();
        }
    }

    private FakeAnswer Apply(FakeRequest request)
    {
        lock (_lock)
        {
            return request switch
            {
                { Bucket: not Bucket } => FakeAnswer.Error(404, "NoSuchBucket"),
                { Method: "GET", Key: "" } => List(request),
                { Method: "GET" or "HEAD" } => Get(request),
                { Method: "POST" } when request.Query.ContainsKey("delete") => DeleteMany(request),
                { Method: "POST" } when request.Query.ContainsKey("uploads") => Begin(request),
                { Upload: not "" } => OfUpload(request),
                { Method: "PUT" } => Put(request),
                { Method: "DELETE" } => Delete(request.Key),
                _ => FakeAnswer.Error(501, "NotImplemented"),
            };
        }
    }

    private FakeAnswer Get(FakeRequest request)
    {
        if (!_objects.TryGetValue(request.Key, out var found))
        {
            return FakeAnswer.Error(404, "NoSuchKey");
        }

        var (content, writer) = found;
        var answer = new FakeAnswer(200, content);
        answer.Headers["ETag"] = FakeAnswer.Tag;
        answer.Headers["Last-Modified"] = "Fri, 01 Jan 2027 00:00:00 GMT";
        if (writer is not null)
        {
            answer.Headers[WriterHeader] = writer;
        }

        if (request.Headers.Range.ToString() is not { Length: > 0 } range)
        {
            return answer;
        }

        var ends = range["bytes=".Length..].Split('-')
            .Select(s => int.Parse(s, CultureInfo.InvariantCulture)).ToArray();
        if (ends[0] >= content.Length)
        {
            return FakeAnswer.Error(416, "InvalidRange");
        }

        var end = Math.Min(ends[1] + 1, content.Length);
        answer.Headers["Content-Range"] = $"bytes {ends[0]}-{end - 1}/{content.Length}";
        return answer with { Status = 206, Body = content[ends[0]..end] };
    }

    private FakeAnswer Put(FakeRequest request)
    {
        if (request.Headers.IfNoneMatch == "*" && _objects.ContainsKey(request.Key))
        {
            return FakeAnswer.Error(412, "PreconditionFailed");
        }

        _objects[request.Key] = (request.Body, request.Writer);
        return FakeAnswer.Tagged();
    }

    private FakeAnswer Delete(string key)
    {
        _objects.Remove(key);
        return new FakeAnswer(204, []);
    }

    private FakeAnswer DeleteMany(FakeRequest request)
    {
        foreach (var key in request.Xml.Descendants().Where(e => e.Name.LocalName == "Key"))
        {
            _objects.Remove(key.Value);
        }

        return FakeAnswer.Of(new XElement("DeleteResult"));
    }

    private FakeAnswer List(FakeRequest request)
    {
        var prefix = request.Query["prefix"].ToString();
        var after = request.Query.TryGetValue("continuation-token", out var token) ? token.ToString()
            : request.Query["start-after"].ToString();
        var all = _objects.Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal)
            && string.CompareOrdinal(o.Key, after) > 0).Take(1001).ToArray();
        return FakeAnswer.Of(new XElement("ListBucketResult",
            new XElement("IsTruncated", all.Length > 1000 ? "true" : "false"),
            all.Length > 1000 ? new XElement("NextContinuationToken", all[999].Key) : null,
            all.Take(1000).Select(o => new XElement("Contents",
                new XElement("Key", o.Key),
                new XElement("LastModified", "2027-01-01T00:00:00.000Z"),
                new XElement("Size", o.Value.Content.Length)))));
    }

    private FakeAnswer Begin(FakeRequest request)
    {
        var id = $"u{_uploads.Count}-{_seen.Count}";
        _uploads[id] = new Upload(request.Writer, []);
        return FakeAnswer.Of(new XElement("InitiateMultipartUploadResult",
            new XElement("Bucket", Bucket), new XElement("Key", request.Key), new XElement("UploadId", id)));
    }

    private FakeAnswer OfUpload(FakeRequest request)
    {
        if (!_uploads.TryGetValue(request.Upload, out var upload))
        {
            return FakeAnswer.Error(404, "NoSuchUpload");
        }

        if (request.Method == "PUT")
        {
            var number = int.Parse(request.Query["partNumber"].ToString(), CultureInfo.InvariantCulture);
            upload.Parts[number] = request.Body;
            return FakeAnswer.Tagged();
        }

        _uploads.Remove(request.Upload);
        if (request.Method == "DELETE")
        {
            return new FakeAnswer(204, []);
        }

        _objects[request.Key] = ([.. upload.Parts.Values.SelectMany(p => p)], upload.Writer);
        return FakeAnswer.Of(new XElement("CompleteMultipartUploadResult",
            new XElement("Bucket", Bucket), new XElement("Key", request.Key), new XElement("ETag", FakeAnswer.Tag)));
    }

    private sealed record Upload(string? Writer, SortedDictionary<int, byte[]> Parts);
}

internal sealed record FakeRequest(
    string Method, string Bucket, string Key, IQueryCollection Query, IHeaderDictionary Headers, byte[] Body)
{
    public string Upload => Query["uploadId"].ToString();

    public string? Writer =>
        Headers["x-amz-meta-" + S3ObjectStore.WriterKey] is { Count: 1 } writer ? writer.ToString() : null;

    public XDocument Xml => XDocument.Parse(Encoding.UTF8.GetString(Body));

    public override string ToString() => $"{Method} {Key}";
}

internal sealed record FakeAnswer(int Status, byte[] Body)
{
    /// <summary>With a dash, as of an upload in parts: the SDK takes one without for the MD5 of the content.</summary>
    public const string Tag = "\"0-1\"";

    public Dictionary<string, string> Headers { get; } = [];

    public static FakeAnswer Tagged()
    {
        var answer = new FakeAnswer(200, []);
        answer.Headers["ETag"] = Tag;
        return answer;
    }

    public static FakeAnswer Of(XElement body) => new(200, Encoding.UTF8.GetBytes(body.ToString()));

    public static FakeAnswer Error(int status, string code) => code.Length == 0
        ? new FakeAnswer(status, [])
        : Of(new XElement("Error", new XElement("Code", code), new XElement("Message", $"injected {code}"))) with
        {
            Status = status,
        };
}
