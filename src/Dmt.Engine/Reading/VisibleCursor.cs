// What a reader sees: of each key the newest version as of a sequence number, if it is a put that has not expired and
// that no range tombstone covers. Upwards the first version that is old enough decides, and the others are passed over;
// downwards versions come oldest first, so the latest that is old enough is copied until the key changes.
using Dmt.Engine.Tables;

namespace Dmt.Engine.Reading;

internal sealed class VisibleCursor(MergeCursor merge, RangeDeletions deletions, ulong asOf, long nowMs, bool reverse)
    : IDisposable
{
    /// <summary>
    /// So many covered entries in a row are walked over before sources are moved past the range tombstone.
    /// </summary>
    private const int CoveredRunMax = 16;

    private readonly EntryCopy _copy = new();
    private byte[] _key = new byte[Core.Keys.Key.BytesMax];
    private int _keyLength = -1;
    private int _coveredRun;
    private Step _step;

    private enum Step
    {
        /// <summary>The merge stands on an entry that has not been looked at.</summary>
        Look,

        /// <summary>The merge stands on an entry that is done with.</summary>
        Leave,
    }

    public bool Valid { get; private set; }

    /// <summary>The entry; its spans are good until the next step.</summary>
    public EntryData Current => reverse ? _copy.Data : merge.Current;

    /// <summary>
    /// To the first visible entry; the bound as in <see cref="EntryCursor.Seek"/>. False: <see cref="LoadAsync"/>.
    /// </summary>
    public bool Seek(ReadOnlySpan<byte> bound, bool unbounded = false)
    {
        _keyLength = -1;
        _coveredRun = 0;
        _step = Step.Look;
        return merge.Seek(bound, unbounded) && Run();
    }

    /// <summary>To the next visible entry; false: <see cref="LoadAsync"/>.</summary>
    public bool Advance() => Run();

    /// <summary>Loads what the last step lacked, and finishes it.</summary>
    public async ValueTask LoadAsync(CancellationToken cancellationToken)
    {
        do
        {
            await merge.LoadAsync(cancellationToken).ConfigureAwait(false);
        }
        while (!Run());
    }

    public void Dispose() => merge.Dispose();

    private bool Run() => reverse ? RunReverse() : RunForward();

    private bool RunForward()
    {
        while (true)
        {
            if (_step == Step.Leave)
            {
                _step = Step.Look;
                if (!merge.Advance())
                {
                    return false;
                }
            }

            if (!merge.Valid)
            {
                Valid = false;
                return true;
            }

            _step = Step.Leave;
            if (merge.Sequence > asOf || merge.Key.SequenceEqual(_key.AsSpan(0, Math.Max(_keyLength, 0)))
                && _keyLength >= 0)
            {
                continue;
            }

            _keyLength = merge.Key.Length;
            merge.Key.CopyTo(_key);
            var covering = deletions.IsEmpty ? 0 : deletions.CoveringSequence(merge.Key, asOf);
            if (covering > merge.Sequence)
            {
                if (++_coveredRun >= CoveredRunMax && !SkipCovered(covering))
                {
                    return false;
                }

                continue;
            }

            _coveredRun = 0;
            if (merge.Kind == EntryKind.Put && !IsExpired(merge.ExpiresAtMs))
            {
                Valid = true;
                return true;
            }
        }
    }

    /// <summary>Moves old sources past the tombstone that covers the present key.</summary>
    private bool SkipCovered(ulong covering)
    {
        _coveredRun = 0;
        var end = deletions.EndOfCover(_key.AsSpan(0, _keyLength), covering);
        _step = Step.Look;
        return merge.SkipDeleted(end, covering);
    }

    private bool RunReverse()
    {
        while (true)
        {
            if (_step == Step.Leave)
            {
                _step = Step.Look;
                if (!merge.Advance())
                {
                    return false;
                }
            }

            var sameKey = merge.Valid && _keyLength >= 0 && merge.Key.SequenceEqual(_key.AsSpan(0, _keyLength));
            if (!sameKey)
            {
                var found = _keyLength >= 0 && _copy.IsSet && IsVisible(_copy.Data);
                if (found)
                {
                    // The copy is emitted now; the entry that the merge stands on is looked at in the next step.
                    _keyLength = -1;
                    return Valid = true;
                }

                _copy.Clear();
                if (!merge.Valid)
                {
                    Valid = false;
                    return true;
                }

                _keyLength = merge.Key.Length;
                merge.Key.CopyTo(_key);
            }

            if (merge.Sequence <= asOf)
            {
                _copy.Set(merge.Current);
            }

            _step = Step.Leave;
        }
    }

    private bool IsVisible(in EntryData entry) =>
        entry.Kind == EntryKind.Put && !IsExpired(entry.ExpiresAtMs)
        && (deletions.IsEmpty || deletions.CoveringSequence(entry.Key, asOf) < entry.Sequence);

    private bool IsExpired(long expiresAtMs) => expiresAtMs > 0 && expiresAtMs <= nowMs;

    /// <summary>An entry that outlives its source's step.</summary>
    private sealed class EntryCopy
    {
        private readonly byte[] _keyBytes = new byte[Core.Keys.Key.BytesMax];
        private byte[] _value = [];
        private byte[] _metadata = [];
        private int _keyBytesLength;
        private int _valueLength;
        private int _metadataLength;
        private ulong _sequence;
        private EntryKind _kind;
        private long _expiresAtMs;

        public bool IsSet { get; private set; }

        public EntryData Data => new()
        {
            Key = _keyBytes.AsSpan(0, _keyBytesLength),
            Value = _value.AsSpan(0, _valueLength),
            Metadata = _metadata.AsSpan(0, _metadataLength),
            Sequence = _sequence,
            Kind = _kind,
            ExpiresAtMs = _expiresAtMs,
        };

        public void Clear() => IsSet = false;

        public void Set(in EntryData entry)
        {
            entry.Key.CopyTo(_keyBytes);
            _keyBytesLength = entry.Key.Length;
            _valueLength = Copy(entry.Value, ref _value);
            _metadataLength = Copy(entry.Metadata, ref _metadata);
            (_sequence, _kind, _expiresAtMs) = (entry.Sequence, entry.Kind, entry.ExpiresAtMs);
            IsSet = true;
        }

        private static int Copy(ReadOnlySpan<byte> from, ref byte[] to)
        {
            if (to.Length < from.Length)
            {
                to = new byte[Math.Max(from.Length, to.Length * 2)];
            }

            from.CopyTo(to);
            return from.Length;
        }
    }
}
