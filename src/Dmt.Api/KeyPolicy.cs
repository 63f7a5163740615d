namespace Dmt.Api;

/// <summary>Which keys the HTTP API takes.</summary>
public enum KeyPolicy
{
    /// <summary>Any Unicode text of 1 to 1,024 bytes in UTF-8.</summary>
    Any,

    /// <summary>
    /// The strict rules of old: ASCII letters and digits, at most 255, lower-cased before use (so keys are
    /// case-insensitive); values to 32 KiB.
    /// </summary>
    Alphanumeric,
}
