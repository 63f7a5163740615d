using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Engine.Tests.Torture;

/// <summary>
/// Keys that meet and are prefixes of each other, ranges between them, values of all sizes; all from one seed.
/// </summary>
internal sealed class RandomInput(int seed)
{
    private static readonly byte[] Alphabet = [0, (byte)'/', (byte)'a', (byte)'b', (byte)'c', 0xFF];

    private readonly Random _random = new(seed);

    public int Next(int end) => _random.Next(end);

    public byte[] Key()
    {
        if (_random.Next(100) == 0)
        {
            // As long as can be, of one byte; of bytes 0xFF it would be a reserved one.
            var longest = new byte[Core.Keys.Key.BytesMax - _random.Next(2)];
            longest.AsSpan().Fill(Alphabet[_random.Next(Alphabet.Length - 1)]);
            return longest;
        }

        return _random.GetItems(Alphabet, _random.Next(1, 6));
    }

    public byte[] Prefix() => _random.GetItems(Alphabet, _random.Next(0, 4));

    /// <summary>Sometimes empty, sometimes open at either end.</summary>
    public KeyRange Range() => new(
        _random.Next(8) == 0 ? default : Key(),
        _random.Next(8) == 0 ? (ReadOnlyMemory<byte>?)null : Key());

    public byte[] Value()
    {
        var length = _random.Next(1000) switch
        {
            0 => _random.Next(1, 128 << 10),
            < 30 => _random.Next(1, 6 << 10),
            _ => _random.Next(64),
        };
        var value = new byte[length];
        if (_random.Next(2) == 0)
        {
            _random.NextBytes(value);
        }
        else
        {
            value.AsSpan().Fill((byte)_random.Next(256)); // compresses well
        }

        return value;
    }

    public byte[] Metadata() => _random.Next(10) == 0 ? _random.GetItems(Alphabet, _random.Next(1, 20)) : [];

    public TimeSpan? TimeToLive() => _random.Next(10) == 0 ? TimeSpan.FromMilliseconds(_random.Next(1, 20_000)) : null;

    /// <summary>None mostly; a version condition names the current version or another.</summary>
    public WriteCondition Condition(ulong current) => _random.Next(30) switch
    {
        0 => WriteCondition.Absent,
        1 => WriteCondition.Present,
        2 => WriteCondition.VersionIs(Math.Max(1, current)),
        3 => WriteCondition.VersionIs(current + 1),
        _ => WriteCondition.None,
    };
}
