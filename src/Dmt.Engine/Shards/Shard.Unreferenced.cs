using System.Globalization;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Shards;

internal sealed partial class Shard
{
    /// <summary>
    /// Shows an error of background work to operators and, once buffers are full, to writers; null when it went well.
    /// </summary>
    public void ReportProblem(BackgroundWork work, Exception? error)
    {
        if (_problems[(int)work] != error?.Message)
        {
            Volatile.Write(ref _problems[(int)work], error?.Message);
            UpdateThrottle();
        }
    }

    /// <summary>
    /// Objects in the shard's folders that earlier epochs left behind: tables that no manifest names (a crash came
    /// between a table and its manifest) and manifests long superseded.
    /// </summary>
    public async ValueTask<IReadOnlyList<string>> ListUnreferencedAsync(CancellationToken cancellationToken)
    {
        var manifest = Volatile.Read(ref _manifest);
        var referenced =
            manifest.Levels.SelectMany(static level => level).Select(static t => t.Id.ObjectName).ToHashSet();
        var folder = TableId.Folder(Id);
        var ours = string.Create(CultureInfo.InvariantCulture, $"{folder}{Epoch:D10}-");
        var isEarlier = (string name) => string.CompareOrdinal(name, ours) < 0;
        var found = new List<string>(
            await _manifests.ListSupersededAsync(manifest.Number, cancellationToken).ConfigureAwait(false));
        await foreach (var info in Objects.ListAsync(folder, null, cancellationToken).ConfigureAwait(false))
        {
            // A table of this epoch may be about to be named by the next manifest; one of a later epoch is not ours to
            // judge: somebody has taken over meanwhile.
            if (!referenced.Contains(info.Name) && isEarlier(info.Name))
            {
                found.Add(info.Name);
            }
        }

        return found;
    }
}
