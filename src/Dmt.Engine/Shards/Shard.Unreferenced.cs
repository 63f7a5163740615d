using System.Globalization;
using Dmt.Engine.Manifests;
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
    /// <param name="opened">
    /// The manifest that this epoch began with. A later one will not do: what it no longer names may still be read.
    /// </param>
    private async ValueTask<IReadOnlyList<string>> ListUnreferencedAsync(Manifest opened)
    {
        var referenced =
            opened.Levels.SelectMany(static level => level).Select(static t => t.Id.ObjectName).ToHashSet();
        var folder = TableId.Folder(Id);
        var ours = string.Create(CultureInfo.InvariantCulture, $"{folder}{opened.Epoch:D10}-");
        var found = new List<string>(
            await _manifests.ListSupersededAsync(opened.Number, CancellationToken.None).ConfigureAwait(false));
        await foreach (var info in Objects.ListAsync(folder, null, CancellationToken.None).ConfigureAwait(false))
        {
            // Tables of this epoch may be about to be named by the next manifest, and those of later epochs belong to
            // whoever has taken the shard over meanwhile.
            if (string.CompareOrdinal(info.Name, ours) < 0 && !referenced.Contains(info.Name))
            {
                found.Add(info.Name);
            }
        }

        return found;
    }
}
