// Looks at the files of a store for a human, without opening the store: nothing is written, no lock is taken. Every
// checksum is verified and every cross-check made whatever the detail; damage is reported and inspection goes on where
// it can.
using Dmt.Core;

namespace Dmt.Engine.Inspection;

/// <summary>Prints tables, manifests, log segments and whole stores, and verifies all that they hold.</summary>
public static class Inspector
{
    /// <summary>Inspects a file by what its magic says it is, or the folder of a store.</summary>
    /// <param name="path">
    /// An existing file or folder. A store may be open; then what changes meanwhile may mislead.
    /// </param>
    /// <param name="detail">How much to tell.</param>
    /// <param name="to">Takes each line, in order, on the calling thread.</param>
    /// <param name="cancellationToken">Ends it between blocks.</param>
    /// <exception cref="DmtException">
    /// InvalidArgument where the path is nothing of DMT's; Unavailable, after everything else was told, where no damage
    /// was found but a part could not be checked: a newer DMT wrote it, or it cannot be read.
    /// </exception>
    public static void Inspect(
        string path, InspectDetail detail, Action<InspectLine> to, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(to);
        var report = new InspectionReport(to, detail, cancellationToken);
        var what = Directory.Exists(path) ? new StoreInspector(path, report).Inspect() : InspectFile(path, report);
        report.Line(0, (report.Damages, report.Unchecked.Count) switch
        {
            ( > 0, _) => $"verdict: damaged, {InspectionReport.Count(report.Damages, "place")} reported above",
            (_, > 0) => "verdict: no damage, but not everything could be checked",
            _ => $"verdict: intact, {what}",
        });
        if (report.Damages == 0 && report.Unchecked.Count > 0)
        {
            throw DmtException.Unavailable(report.Unchecked[0]);
        }
    }

    /// <returns>What was verified.</returns>
    private static string InspectFile(string path, InspectionReport report)
    {
        using var file = new InspectedFile(path);
        var what = "every checksum holds";
        switch (file.Recognise())
        {
            case FileKind.Table:
                report.Attempt(() => new TableInspector(file, report).Inspect());
                break;
            case FileKind.Manifest:
                report.Attempt(() => ManifestInspector.Inspect(file, report));
                break;
            case FileKind.LogSegment:
                var segment = new LogSegmentInspector(path, report, inStore: false);
                report.Attempt(segment.Inspect);
                what += segment.IsTorn ? " up to a torn tail" : "";
                break;
            default:
                throw DmtException.InvalidArgument($"{path} is no table, manifest or log segment of DMT");
        }

        return what;
    }
}
