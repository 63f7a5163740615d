using Dmt.Core;
using Dmt.Engine.Tables;

namespace Dmt.Engine.Tests.Tables;

/// <summary>The two ways to find a key in a block agree, and with what was put in.</summary>
public sealed class BlockSearchTests
{
    private const ulong Base = 1000;

    private sealed record Row(byte[] Key, ulong Sequence, EntryKind Kind, byte[] Value, byte[] Metadata, long Expiry);

    [Fact]
    public void Find_agrees_with_a_cursor_and_with_what_was_added()
    {
        for (var seed = 0; seed < 1500; seed++)
        {
            var random = new Random(seed);
            var rows = RandomRows(random);
            var block = BlockOf(rows);
            var keys = rows.Select(static row => row.Key)
                .Concat(rows.Select(static row => (byte[])[.. row.Key, 0]))
                .Concat(rows.Where(static row => row.Key.Length > 1).Select(static row => row.Key[..^1]))
                .Concat(Enumerable.Range(0, 30).Select(_ => RandomKeys.Next(random, [], 8)));
            foreach (var key in keys)
            {
                var deltaMax = random.Next(4) == 0 ? ulong.MaxValue : (ulong)random.Next(300);
                Check(rows, block, key, deltaMax, seed);
            }
        }
    }

    [Fact]
    public void A_cursor_walks_both_ways_over_what_was_added()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var rows = RandomRows(new Random(seed));
            var cursor = new BlockCursor();
            cursor.Open(BlockOf(rows));
            foreach (var row in rows)
            {
                Assert.True(cursor.MoveNext());
                AssertSame(row, cursor);
            }

            Assert.False(cursor.MoveNext());
            foreach (var row in Enumerable.Reverse(rows))
            {
                Assert.True(cursor.MovePrevious(), $"seed {seed}");
                AssertSame(row, cursor);
            }

            Assert.False(cursor.MovePrevious());
        }
    }

    [Fact]
    public void A_changed_block_is_damage_or_an_answer_but_nothing_else()
    {
        var random = new Random(11);
        var rows = RandomRows(random);
        var good = Bytes(rows);
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = good.ToArray();
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                var block = Block.Parse(bytes, bytes.Length, "table", 0);
                var entry = default(EntryData);
                BlockSearch.Find(block, rows[random.Next(rows.Count)].Key, ulong.MaxValue, ref entry);
                var cursor = new BlockCursor();
                cursor.Open(block);
                cursor.Seek(rows[random.Next(rows.Count)].Key);
                while (cursor.MoveNext())
                {
                }
            }
            catch (DmtException e)
            {
                Assert.Equal(DmtErrorKind.Corruption, e.Kind);
            }
        }
    }

    private static void Check(List<Row> rows, Block block, byte[] key, ulong deltaMax, int seed)
    {
        var entry = default(EntryData);
        var outcome = BlockSearch.Find(block, key, deltaMax, ref entry);
        var what = $"seed {seed}, key {Convert.ToHexString(key)}, delta {deltaMax}: {outcome}";
        var expected = rows.Find(row => row.Key.SequenceEqual(key) && row.Sequence - Base <= deltaMax);
        Assert.True((expected is not null) == (outcome == BlockSearch.Outcome.Found), what);
        if (expected is not null)
        {
            Assert.Equal(expected.Sequence - Base, entry.Sequence);
            Assert.Equal(expected.Kind, entry.Kind);
            Assert.Equal(expected.Expiry, entry.ExpiresAtMs);
            Assert.Equal(expected.Value, entry.Value.ToArray());
            Assert.Equal(expected.Metadata, entry.Metadata.ToArray());
        }
        else
        {
            var higher = rows.Exists(row => row.Key.AsSpan().SequenceCompareTo(key) > 0);
            Assert.True(higher == (outcome == BlockSearch.Outcome.Absent), what);
        }

        var cursor = new BlockCursor();
        cursor.Open(block);
        var first = rows.Find(row => row.Key.AsSpan().SequenceCompareTo(key) >= 0);
        Assert.True(cursor.Seek(key) == first is not null, what);
        if (first is not null)
        {
            AssertSame(first, cursor);
        }

        var last = rows.FindLast(row => row.Key.AsSpan().SequenceCompareTo(key) < 0);
        Assert.True(cursor.SeekBefore(key) == last is not null, what);
        if (last is not null)
        {
            AssertSame(last, cursor);
        }
    }

    private static void AssertSame(Row row, in BlockCursor cursor)
    {
        Assert.Equal(row.Key, cursor.Key.ToArray());
        Assert.Equal(row.Sequence - Base, cursor.SequenceDelta);
        Assert.Equal(row.Kind, cursor.Kind);
        Assert.Equal(row.Value, cursor.Value.ToArray());
        Assert.Equal(row.Metadata, cursor.Metadata.ToArray());
        Assert.Equal(row.Expiry, cursor.ExpiresAtMs);
    }

    /// <summary>Some keys with as many versions as restart points lie apart, or more.</summary>
    private static List<Row> RandomRows(Random random)
    {
        var rows = new List<Row>();
        foreach (var key in RandomKeys.Sorted(random, random.Next(1, 60), [], random.Next(1, 8)))
        {
            var versions = random.Next(20) == 0 ? random.Next(10, 50) : random.Next(1, 4);
            var sequence = Base + (ulong)random.Next(200, 300);
            for (var version = 0; version < versions; version++)
            {
                var isPut = random.Next(4) > 0;
                rows.Add(new Row(
                    key,
                    sequence,
                    isPut ? EntryKind.Put : EntryKind.Tombstone,
                    isPut ? RandomKeys.Next(random, [], 20)[1..] : [],
                    isPut && random.Next(3) == 0 ? RandomKeys.Next(random, [], 5) : [],
                    isPut && random.Next(3) == 0 ? random.NextInt64(1, 1L << 50) : 0));
                sequence -= (ulong)random.Next(1, 4);
            }
        }

        return rows;
    }

    private static Block BlockOf(List<Row> rows)
    {
        var bytes = Bytes(rows);
        return Block.Parse(bytes, bytes.Length, "table", 0);
    }

    private static byte[] Bytes(List<Row> rows)
    {
        var builder = new BlockBuilder(Base);
        foreach (var row in rows)
        {
            builder.Add(new EntryData
            {
                Key = row.Key,
                Value = row.Value,
                Metadata = row.Metadata,
                Sequence = row.Sequence,
                Kind = row.Kind,
                ExpiresAtMs = row.Expiry,
            });
        }

        return builder.Finish().ToArray();
    }
}
