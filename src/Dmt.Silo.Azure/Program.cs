using Dmt.Core;
using Dmt.Grains.AzureStorage;
using Dmt.Silo;
using Microsoft.Extensions.Configuration;

// Where Azure's tools have it, too: a secret belongs neither in a configuration file nor on a command line.
const string Variable = "AZURE_STORAGE_CONNECTION_STRING";

return await SiloProgram.RunAsync(args, Azure(AzureGrainStorageKind.Blob), Azure(AzureGrainStorageKind.Table));

static GrainStorageChoice Azure(AzureGrainStorageKind kind)
{
    var choice = "azure-" + (kind == AzureGrainStorageKind.Blob ? "blob" : "table");
    return new(choice, Add, AzureStorageFailure.Explain);

    void Add(ISiloBuilder silo, string name, IReadOnlyDictionary<string, string> environment)
    {
        if (environment.GetValueOrDefault(Variable) is not { Length: > 0 } connection)
        {
            throw DmtException.InvalidArgument(
                $"grain_storage is {choice}, and {Variable} is not set in the environment: expected the connection "
                + "string of an Azure storage account");
        }

        var section = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            [$"azure:{nameof(AzureGrainStorageSettings.Kind)}"] = kind.ToString(),
            [$"azure:{nameof(AzureGrainStorageSettings.ConnectionString)}"] = connection,
        }).Build().GetSection("azure");
        try
        {
            silo.AddAzureGrainStorage(name, section);
        }
        catch (ArgumentException)
        {
            // Nothing of the string itself: it holds a key.
            throw DmtException.InvalidArgument(
                $"grain_storage is {choice}, and {Variable} is malformed: expected the connection string of an Azure "
                + "storage account, AccountName=…;AccountKey=…;EndpointSuffix=… or the like");
        }
    }
}
