namespace Dmt.Grains.AzureStorage;

/// <summary>Which part of which Azure storage account; bound from configuration.</summary>
public sealed class AzureGrainStorageSettings
{
    /// <summary><c>blob</c> by default.</summary>
    public AzureGrainStorageKind Kind { get; set; } = AzureGrainStorageKind.Blob;

    /// <summary>The account's connection string. Needed.</summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>The blob container or the table; <c>grainstate</c> by default.</summary>
    public string Container { get; set; } = "grainstate";
}
