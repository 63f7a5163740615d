namespace Dmt.Silo.Configuration;

/// <summary>Where silos find each other.</summary>
internal enum Clustering
{
    /// <summary>Nowhere: one silo, for development.</summary>
    Localhost,

    /// <summary>In the bucket that holds the store.</summary>
    Store,
}
