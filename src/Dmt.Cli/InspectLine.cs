namespace Dmt.Cli;

/// <summary>One line of what <c>dmt inspect</c> found.</summary>
/// <param name="Text">For people; indented by the structure it belongs to.</param>
/// <param name="IsDamage">True where a checksum or a structure is wrong; the text names file and offset.</param>
internal readonly record struct InspectLine(string Text, bool IsDamage);
