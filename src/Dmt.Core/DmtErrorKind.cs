namespace Dmt.Core;

/// <summary>What went wrong, in terms of what the caller can do about it.</summary>
public enum DmtErrorKind
{
    /// <summary>The request is malformed: correct it. Nothing was changed.</summary>
    InvalidArgument,

    /// <summary>
    /// A key, value, batch or body is over its limit: send less, or raise the limit. Nothing was changed.
    /// </summary>
    TooLarge,

    /// <summary>A condition (compare-and-set) did not hold: read again and decide. Nothing was changed.</summary>
    Conflict,

    /// <summary>This node does not own the key: refresh the shard map and ask its owner.</summary>
    NotOwner,

    /// <summary>Another process has taken over: this one must not write any more.</summary>
    Fenced,

    /// <summary>Not now: the disk is full, the store is stalled or out of reach. Try again later.</summary>
    Unavailable,

    /// <summary>Stored bytes are damaged. The message names the object and the offset.</summary>
    Corruption,

    /// <summary>The store was closed.</summary>
    Closed,
}
