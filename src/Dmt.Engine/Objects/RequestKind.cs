namespace Dmt.Engine.Objects;

/// <summary>What a request asks of an object store that charges for requests.</summary>
public enum RequestKind
{
    /// <summary>A whole object.</summary>
    Get,

    /// <summary>A range of an object.</summary>
    RangedGet,

    /// <summary>A whole object written, over any that was there.</summary>
    Put,

    /// <summary>A whole object written if there was none.</summary>
    ConditionalPut,

    /// <summary>One object or one batch of objects deleted, or a begun upload given up.</summary>
    Delete,

    /// <summary>One page of a listing.</summary>
    List,

    /// <summary>An object's metadata.</summary>
    Head,

    /// <summary>An upload in parts: its beginning, each part, and its end.</summary>
    Multipart,
}
