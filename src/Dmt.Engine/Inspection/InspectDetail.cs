namespace Dmt.Engine.Inspection;

/// <summary>How much an inspection tells. What it verifies is the same: everything.</summary>
public enum InspectDetail
{
    /// <summary>Each structure of a file; in a store, each file.</summary>
    Summary,

    /// <summary>Each data block of a table and each group of a log segment, too.</summary>
    Blocks,

    /// <summary>Each entry of a table, and each record and operation of a log segment, too.</summary>
    Entries,
}
