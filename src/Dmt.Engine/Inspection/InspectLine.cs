namespace Dmt.Engine.Inspection;

/// <summary>One line of what an inspection found.</summary>
/// <param name="Text">For people; indented by the structure it belongs to.</param>
/// <param name="IsDamage">True where a checksum or a structure is wrong; the text names file and offset.</param>
public readonly record struct InspectLine(string Text, bool IsDamage);
