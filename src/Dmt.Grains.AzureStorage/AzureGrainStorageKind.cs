namespace Dmt.Grains.AzureStorage;

/// <summary>Where in an Azure storage account grain state lies.</summary>
public enum AzureGrainStorageKind
{
    /// <summary>One blob for each state.</summary>
    Blob,

    /// <summary>One row for each state, at most 960 KiB.</summary>
    Table,
}
