using System.Diagnostics;

namespace Dmt.Testing;

/// <summary>
/// A prefix that no test has used, on an S3 server: that of <c>DMT_TEST_S3</c>
/// (<c>http://KEY:SECRET@HOST:PORT/BUCKET</c>), which ./test starts, or another in the same form.
/// </summary>
public sealed class TestBucket
{
    private const string Variable = "DMT_TEST_S3";
    private readonly string _endpoint;
    private readonly string[] _key;

    public TestBucket()
        : this(Environment.GetEnvironmentVariable(Variable)
            ?? throw new InvalidOperationException($"{Variable} is not set: ./test sets it, or leaves this test out"))
    {
    }

    public TestBucket(string server)
    {
        var url = new Uri(server);
        _endpoint = $"{url.Scheme}://{url.Authority}";
        _key = [.. url.UserInfo.Split(':').Select(Uri.UnescapeDataString)];
        Store = $"s3:/{url.AbsolutePath.TrimEnd('/')}/test/{Guid.NewGuid():N}";
    }

    private TestBucket(string endpoint, string[] key, string store) =>
        (_endpoint, _key, Store) = (endpoint, key, store);

    /// <summary><c>s3://bucket/prefix</c>.</summary>
    public string Store { get; }

    /// <summary>Another prefix of the same bucket.</summary>
    public TestBucket Sibling(string name) => new(_endpoint, _key, $"{Store}-{name}");

    /// <summary>Runs the program to its end, on this bucket.</summary>
    public Task<(int ExitCode, string Output, string Error)> RunAsync(
        BuiltProgram program, params string[] arguments) =>
        program.RunAsync(SetKey, [.. arguments, "--store", Store, "--store-endpoint", _endpoint]);

    /// <summary>Starts a server over the bucket, which takes it over; it is ready on return.</summary>
    public Task<ServerProcess> ServeAsync(BuiltProgram program, params string[] arguments) =>
        ServerProcess.StartAsync(Serve(program, arguments));

    /// <summary>How to start one.</summary>
    public ProcessStartInfo Serve(BuiltProgram program, params string[] arguments)
    {
        var start = program.StartInfo(
            ["serve", "--store", Store, "--store-endpoint", _endpoint, "--port", "0", .. arguments]);
        SetKey(start);
        return start;
    }

    /// <summary>Has any program that serves use the bucket.</summary>
    public void AddTo(ProcessStartInfo start)
    {
        foreach (var argument in new[] { "--store", Store, "--store-endpoint", _endpoint })
        {
            start.ArgumentList.Add(argument);
        }

        SetKey(start);
    }

    private void SetKey(ProcessStartInfo start)
    {
        start.Environment["AWS_ACCESS_KEY_ID"] = _key[0];
        start.Environment["AWS_SECRET_ACCESS_KEY"] = _key[1];
    }
}
