using System.Text.Json;
using Dmt.Bench;
using Dmt.Bench.AnyOrder;
using Dmt.Bench.Bucket;
using Dmt.Bench.Peers;

try
{
    if (args is ["bucket", .. var bucketArguments])
    {
        await BucketCommand.RunAsync(bucketArguments);
        return 0;
    }

    if (args is ["anyorder", .. var anyOrderArguments])
    {
        await AnyOrderCommand.RunAsync(anyOrderArguments);
        return 0;
    }

    var arguments = BenchArguments.Parse(args);
    PeerCatalog.FindLibraries();
    if (arguments.Child is not null)
    {
        Comparison.RunChild(arguments);
        return 0;
    }

    var results = await new Comparison(arguments).RunAsync();
    Console.Write(arguments.IsJson ? JsonSerializer.Serialize(results) + "\n" : ComparisonTable.Markdown(results));
    if (!arguments.IsJson && !arguments.IsMarkdown)
    {
        Console.WriteLine("In brackets: DMT's figure divided by the peer's.");
    }

    return 0;
}
catch (ArgumentException e)
{
    await Console.Error.WriteLineAsync("Dmt.Bench: " + e.Message);
    return 2;
}
