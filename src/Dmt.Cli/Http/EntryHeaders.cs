namespace Dmt.Cli.Http;

/// <summary>Headers of <c>GET /kv/{key}</c> that HTTP itself has no names for.</summary>
internal static class EntryHeaders
{
    /// <summary>When the entry expires: ISO 8601, UTC.</summary>
    public const string Expires = "X-Dmt-Expires";

    /// <summary>The entry's weight, where it has one.</summary>
    public const string Weight = "X-Dmt-Weight";
}
