using Dmt.Engine.Tables;

namespace Dmt.Engine.Reading;

/// <summary>Walks a source upwards as far as a bound. Disposes the source.</summary>
/// <param name="source">The source.</param>
/// <param name="end">The first key that does not count; null where all do.</param>
internal sealed class BoundedCursor(EntryCursor source, ReadOnlyMemory<byte>? end) : EntryCursor
{
    public override ReadOnlySpan<byte> Key => source.Key;

    public override ReadOnlySpan<byte> Value => source.Value;

    public override ReadOnlySpan<byte> Metadata => source.Metadata;

    public override ulong Sequence => source.Sequence;

    public override EntryKind Kind => source.Kind;

    public override long ExpiresAtMs => source.ExpiresAtMs;

    public override ulong SequenceMax => source.SequenceMax;

    public override bool Seek(ReadOnlySpan<byte> bound, bool unbounded = false) =>
        Settle(source.Seek(bound, unbounded));

    public override bool Advance() => Settle(source.Advance());

    public override async ValueTask LoadAsync(CancellationToken cancellationToken)
    {
        await source.LoadAsync(cancellationToken).ConfigureAwait(false);
        Settle(done: true);
    }

    public override void Dispose()
    {
        source.Dispose();
        base.Dispose();
    }

    private bool Settle(bool done)
    {
        Valid = done && source.Valid && (end is not { } last || source.Key.SequenceCompareTo(last.Span) < 0);
        return done;
    }
}
