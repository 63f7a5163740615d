using System.CommandLine;
using Dmt.Cli.Http;
using Dmt.Core;
using Dmt.Engine;
using Dmt.Hosting.Configuration;

namespace Dmt.Cli.Commands;

/// <summary>Which store a tool works on: a server by URL, or a folder or a bucket with no server on it.</summary>
internal sealed class TargetOptions
{
    /// <summary>Where a server is looked for when nothing else is said.</summary>
    public const string DefaultUrl = "http://localhost:3030";

    private readonly Option<string?> _url = new("--url")
    {
        Description = $"Server to talk to. Default: environment DMT_URL, else {DefaultUrl}",
        HelpName = "URL",
    };

    private readonly Option<string?> _data = new("--data")
    {
        Description = "Work on this store folder directly, with no server on it",
        HelpName = "DIR",
    };

    private readonly Option<string?> _store = new("--store")
    {
        Description = "Work on this bucket directly. Takes the store over: a server that has it open is fenced and "
            + "must be restarted",
        HelpName = "s3://BUCKET/PREFIX",
    };

    private readonly Option<string?> _endpoint = new("--store-endpoint")
    {
        Description = "Server that has the bucket. Default: what the AWS SDK finds, as AWS_ENDPOINT_URL_S3",
        HelpName = "URL",
    };

    private readonly Option<string?> _region = new("--store-region")
    {
        Description = "The bucket's region. Default: what the AWS SDK finds, as AWS_REGION; us-east-1 with an endpoint",
        HelpName = "REGION",
    };

    private TargetOptions()
    {
    }

    /// <summary>Adds the options to <paramref name="command"/>.</summary>
    public static TargetOptions AddTo(Command command)
    {
        var target = new TargetOptions();
        command.Add(target._url);
        command.Add(target._data);
        command.Add(target._store);
        command.Add(target._endpoint);
        command.Add(target._region);
        return target;
    }

    /// <summary>
    /// What the target is called in messages and checkpoints: a URL, a bucket or the full path of a folder.
    /// </summary>
    public string Name(ParseResult parse, CommandIo io) =>
        parse.GetValue(_store)
            ?? (parse.GetValue(_data) is { } folder ? Path.GetFullPath(folder) : Url(parse, io).AbsoluteUri);

    /// <summary>A server is meant: neither a folder nor a bucket is named.</summary>
    public bool IsServer(ParseResult parse) => (parse.GetValue(_data) ?? parse.GetValue(_store)) is null;

    /// <summary>The bucket, and how to reach it; null where none is named.</summary>
    /// <exception cref="DmtException">InvalidArgument for a bad URL.</exception>
    public BucketSettings? Bucket(ParseResult parse) =>
        parse.GetValue(_store) is not { } bucket ? null : new BucketSettings(bucket)
        {
            Endpoint = Endpoint(parse),
            Region = parse.GetValue(_region) is { Length: > 0 } region ? region : null,
        };

    /// <inheritdoc cref="OpenAsync(ParseResult, CommandIo, bool, EngineOptions, CancellationToken)"/>
    public ValueTask<ITrieStore> OpenAsync(
        ParseResult parse, CommandIo io, bool create, CancellationToken cancellationToken) =>
        OpenAsync(parse, io, create, new EngineOptions(), cancellationToken);

    /// <param name="parse">The command line.</param>
    /// <param name="io">The world.</param>
    /// <param name="create">Make the folder when it is not there; otherwise that is an error.</param>
    /// <param name="options">For a folder or a bucket, which is opened here.</param>
    /// <param name="cancellationToken">Gives up opening.</param>
    /// <exception cref="DmtException">InvalidArgument for a bad URL or both options; Unavailable where there is no
    /// store.</exception>
    public async ValueTask<ITrieStore> OpenAsync(
        ParseResult parse, CommandIo io, bool create, EngineOptions options, CancellationToken cancellationToken)
    {
        var folder = parse.GetValue(_data);
        var bucket = Bucket(parse);
        if (parse.GetValue(_url) is not null && !IsServer(parse))
        {
            throw DmtException.InvalidArgument(
                $"--url and --{(bucket is null ? "data" : "store")} cannot go together: name a server, a folder or a "
                    + $"bucket");
        }

        if (bucket is not null)
        {
            if (folder is not null)
            {
                throw DmtException.InvalidArgument(
                    $"--data {folder} and --store cannot go together: name a folder or a bucket (only dmt serve keeps "
                        + "a cache of a bucket in a folder)");
            }

            return await io.OpenBucket(bucket, options, cancellationToken);
        }

        if (folder is null)
        {
            return new HttpTrieStore(Url(parse, io), io.Time);
        }

        if (!create && !Directory.Exists(folder))
        {
            throw DmtException.Unavailable($"there is no store at {folder}: no such folder");
        }

        return await io.OpenFolder(folder, options, cancellationToken);
    }

    private Uri? Endpoint(ParseResult parse)
    {
        var text = parse.GetValue(_endpoint);
        return text is null ? null
            : HttpUrl.TryParse(text, out var url) ? url
            : throw DmtException.InvalidArgument(
                $"--store-endpoint is \"{text}\": expected a URL with http:// or https://");
    }

    private Uri Url(ParseResult parse, CommandIo io) => ParseUrl(parse.GetValue(_url), io);

    /// <summary>The server that is named, or the default one.</summary>
    /// <exception cref="DmtException">InvalidArgument.</exception>
    public static Uri ParseUrl(string? named, CommandIo io)
    {
        var given = named ?? io.Environment.GetValueOrDefault("DMT_URL", DefaultUrl);
        var text = given.Contains("://", StringComparison.Ordinal) ? given : "http://" + given;
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            && url.Host.Length > 0
            ? url
            : throw DmtException.InvalidArgument($"\"{given}\" is no server URL: expected something like {DefaultUrl}");
    }
}
