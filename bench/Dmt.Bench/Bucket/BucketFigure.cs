namespace Dmt.Bench.Bucket;

/// <summary>A line of the report.</summary>
/// <param name="Name">What was measured, with its unit.</param>
/// <param name="Dmt">DMT's figure.</param>
/// <param name="Peer">SlateDB's; null where there is none.</param>
/// <param name="Goal">What the design aims at; null where it says nothing.</param>
/// <param name="Note">Requests, percentiles and the like.</param>
internal sealed record BucketFigure(string Name, double Dmt, double? Peer, double? Goal, string Note);
