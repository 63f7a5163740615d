using FsCheck;
using FsCheck.Fluent;

namespace Dmt.Core.Tests.Trie;

/// <summary>
/// Random operations against SortedDictionary. FsCheck shrinks what fails, and prints the seed with it.
/// </summary>
public sealed class RadixTreeModelTests
{
    private enum Kind
    {
        Insert,
        Delete,
        Get,
        Seek,
        Prefix,
        LongestPrefix,
    }

    /// <summary>Two letters and short keys: keys that are prefixes of others, splits and merges.</summary>
    [Fact]
    public void Short_keys_of_two_letters_agree_with_the_model() =>
        Check(Keys(Gen.Elements((byte)0, (byte)'b'), 8), 300, 2000);

    /// <summary>Few positions, many bytes: nodes grow to 256 children and shrink again.</summary>
    [Fact]
    public void Short_keys_of_all_bytes_agree_with_the_model() =>
        Check(Keys(Gen.Choose(0, 255).Select(b => (byte)b), 2), 300, 2000);

    [Fact]
    public void Keys_with_long_shared_prefixes_agree_with_the_model() => Check(LongKeys(), 300, 300);

    private static Gen<byte[]> Keys(Gen<byte> letters, int lengthMax) =>
        from length in Gen.Choose(0, lengthMax)
        from key in letters.ArrayOf(length)
        select key;

    /// <summary>Up to three runs of one letter each, long ones among them, up to 1,024 bytes.</summary>
    private static Gen<byte[]> LongKeys() =>
        from count in Gen.Choose(0, 3)
        from runs in RunOfLetter().ArrayOf(count)
        select runs.SelectMany(r => r).Take(1024).ToArray();

    private static Gen<byte[]> RunOfLetter() =>
        from letter in Gen.Elements((byte)'a', (byte)'b', (byte)0xFF)
        from length in Gen.Elements(1, 2, 3, 7, 8, 9, 15, 16, 17, 200, 511, 1024)
        select Enumerable.Repeat(letter, length).ToArray();

    private static void Check(Gen<byte[]> keys, int tests, int operationsMax)
    {
        var kinds = Gen.Frequency(
            (8, Gen.Constant(Kind.Insert)),
            (6, Gen.Constant(Kind.Delete)),
            (1, Gen.Constant(Kind.Get)),
            (1, Gen.Constant(Kind.Seek)),
            (1, Gen.Constant(Kind.Prefix)),
            (1, Gen.Constant(Kind.LongestPrefix)));
        var operation = from kind in kinds from key in keys select (Kind: kind, Key: key);
        var operations = operation.ListOf().Select(list => list.ToArray());
        var arbitrary = Arb.From(operations, list => Shrink(list));
        var config = Config.QuickThrowOnFailure.WithMaxTest(tests).WithStartSize(1).WithEndSize(operationsMax);
        Prop.ForAll(arbitrary, list => Run(list)).Check(config);
    }

    /// <summary>Without a half, a quarter ... a single operation.</summary>
    private static IEnumerable<(Kind Kind, byte[] Key)[]> Shrink((Kind Kind, byte[] Key)[] list)
    {
        for (var size = list.Length / 2; size > 0; size /= 2)
        {
            for (var at = 0; at + size <= list.Length; at += size)
            {
                yield return [.. list[..at], .. list[(at + size)..]];
            }
        }
    }

    private static void Run((Kind Kind, byte[] Key)[] operations)
    {
        using var model = new TreeModel();
        var value = 0ul;
        foreach (var (kind, key) in operations)
        {
            switch (kind)
            {
                case Kind.Insert: model.Insert(key, ++value); break;
                case Kind.Delete: model.Delete(key); break;
                case Kind.Get: model.Get(key); break;
                case Kind.Seek: model.Seek(key, 4); break;
                case Kind.Prefix: model.Prefix(key); break;
                case Kind.LongestPrefix: model.LongestPrefix(key); break;
                default: throw new ArgumentOutOfRangeException(nameof(operations), kind, "an operation without a case");
            }
        }

        model.Check();
        model.Drain();
    }
}
