namespace Dmt.Engine.Tables;

/// <summary>
/// What a version of a key says; the values are part of the table format and equal those of WriteOperationKind.
/// </summary>
internal enum EntryKind : byte
{
    Put = 1,
    Tombstone = 2,
}
