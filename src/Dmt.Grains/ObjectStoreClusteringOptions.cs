namespace Dmt.Grains;

/// <summary>Where the members of a cluster are kept in an object store.</summary>
public sealed class ObjectStoreClusteringOptions
{
    /// <summary>The key of the service that is the <see cref="Engine.Objects.IObjectStore"/>.</summary>
    public const string StoreKey = "dmt-clustering";

    /// <summary>
    /// What the objects' names begin with, in front of the cluster's id; segments of <c>a-z A-Z 0-9 - _ .</c>,
    /// separated by <c>/</c>. <c>cluster</c> by default.
    /// </summary>
    public string Prefix { get; set; } = "cluster";
}
