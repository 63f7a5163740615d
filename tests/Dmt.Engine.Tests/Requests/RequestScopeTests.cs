using Dmt.Core;
using Dmt.Core.Keys;
using Dmt.Engine.Requests;

namespace Dmt.Engine.Tests.Requests;

public sealed class RequestScopeTests
{
    private static readonly byte[][] Keys =
        [.. Enumerable.Range(1, 30).SelectMany(static i => (byte[][])[[(byte)i], [(byte)i, 0], [(byte)i, 9]])];

    [Fact]
    public void What_is_missing_of_a_batch_is_what_lies_outside()
    {
        var random = new Random(3);
        for (var round = 0; round < 2000; round++)
        {
            var ranges = Enumerable.Range(0, random.Next(5)).Select(_ => RandomRange(random)).ToList();
            var scope = new RequestScope(ranges);
            var batch = new WriteBatch { Request = new RequestId(1, 2, 1) };
            var expected = new HashSet<string>();
            for (var left = random.Next(1, 4); left > 0; left--)
            {
                var (key, range) = (Keys[random.Next(Keys.Length)], RandomRange(random));
                if (random.Next(2) == 0)
                {
                    batch.Put(key, "v"u8);
                    expected.UnionWith(Outside([key]));
                }
                else
                {
                    batch.DeleteRange(range);
                    expected.UnionWith(Outside(Keys.Where(one => range.Contains(one))));
                }
            }

            var missing = scope.Missing(batch);
            Assert.Equal(batch.Request, missing.Request);
            Assert.Equal(expected.Order(StringComparer.Ordinal), Touched(missing).Order(StringComparer.Ordinal));

            IEnumerable<string> Outside(IEnumerable<byte[]> keys) => keys
                .Where(key => !ranges.Exists(range => range.Contains(key))).Select(Convert.ToHexString);
        }
    }

    [Fact]
    public void Ranges_that_meet_are_one()
    {
        var scope = new RequestScope([Range(5, 7), Range(1, 3), Range(3, 4), Range(6, 9), Range(8, 9)]);
        Assert.Equal([Range(1, 4), Range(5, 9)], scope.Ranges);
        Assert.Equal(
            [Range(1, 4), new KeyRange(new byte[] { 5 }, null)],
            RequestScope.Union(scope, new RequestScope([new KeyRange(new byte[] { 8 }, null)])).Ranges);
        Assert.Same(scope, RequestScope.Union(scope, scope));
    }

    private static HashSet<string> Touched(WriteBatch batch)
    {
        var touched = new HashSet<string>();
        foreach (var operation in batch)
        {
            if (operation.Kind != WriteOperationKind.DeleteRange)
            {
                touched.Add(Convert.ToHexString(operation.Key));
                continue;
            }

            var range = new KeyRange(
                operation.Key.ToArray(),
                operation.HasNoEnd ? default(ReadOnlyMemory<byte>?) : operation.Value.ToArray());
            touched.UnionWith(Keys.Where(key => range.Contains(key)).Select(Convert.ToHexString));
        }

        return touched;
    }

    private static KeyRange RandomRange(Random random)
    {
        var from = random.Next(0, 28);
        return random.Next(8) == 0
            ? new KeyRange(from == 0 ? Array.Empty<byte>() : [(byte)from], null)
            : Range(from, random.Next(from + 1, 31));
    }

    private static KeyRange Range(int from, int to) =>
        new(from == 0 ? Array.Empty<byte>() : [(byte)from], (ReadOnlyMemory<byte>?)new[] { (byte)to });
}
