// Writes a table to the store and, beside that, to the cache. Parts go to the disk as they fill up, but are found only
// once the table has appeared. A table that takes too much of the cache is not kept at all.
using Dmt.Engine.Tables;

namespace Dmt.Engine.Objects.Caching;

/// <param name="cache">Keeps the table.</param>
/// <param name="inner">Writes it to the store.</param>
/// <param name="table">The table.</param>
internal sealed class CachingObjectWriter(DiskCache cache, IObjectWriter inner, TableId table) : IObjectWriter
{
    private readonly List<StagedPart> _staged = [];
    private readonly byte[] _part = new byte[DiskCacheFormat.PartBytes];
    private int _filled;
    private long _length;
    private bool _givenUp;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken = default)
    {
        await inner.WriteAsync(piece, cancellationToken).ConfigureAwait(false);
        _length += piece.Length;
        for (var rest = piece; rest.Length > 0 && !_givenUp;)
        {
            var taken = Math.Min(rest.Length, _part.Length - _filled);
            rest[..taken].CopyTo(_part.AsMemory(_filled));
            _filled += taken;
            rest = rest[taken..];
            if (_filled == _part.Length)
            {
                Stage();
            }
        }
    }

    public async ValueTask CompleteAsync(CancellationToken cancellationToken = default)
    {
        await inner.CompleteAsync(cancellationToken).ConfigureAwait(false);
        if (_filled > 0)
        {
            Stage();
        }

        cache.Drop(table);
        for (var part = 0; part < _staged.Count; part++)
        {
            cache.Publish(_staged[part], table, _length, part);
        }

        _staged.Clear();
    }

    public ValueTask DisposeAsync()
    {
        GiveUp();
        return inner.DisposeAsync();
    }

    private void Stage()
    {
        if (_staged.Count < cache.PartsOfTableMax && cache.TryStage(_part.AsSpan(0, _filled), out var staged))
        {
            _staged.Add(staged);
            _filled = 0;
        }
        else
        {
            GiveUp();
        }
    }

    private void GiveUp()
    {
        _givenUp = true;
        _filled = 0;
        _staged.ForEach(cache.Discard);
        _staged.Clear();
    }
}
