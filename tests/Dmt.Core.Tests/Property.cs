using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace Dmt.Core.Tests;

/// <summary>
/// Random checks. A failure is shrunk and prints "Replay directly at failing step with (A,B,SIZE)"; the same step alone
/// is run again by <c>DMT_REPLAY=A,B,SIZE ./test Dmt.Core.Tests NAME_OF_THE_TEST</c>.
/// </summary>
internal static class Property
{
    /// <summary>Checks what must hold for every value that <paramref name="values"/> can make.</summary>
    public static void Holds<T>(Gen<T> values, Func<T, bool> promise, int tests = 500) => Check.One(
        Config(tests), Prop.ForAll(values.ToArbitrary(), promise));

    /// <summary>Checks what must hold for every value, with FsCheck's own generator and shrinking.</summary>
    public static void Holds<T>(Func<T, bool> promise, int tests = 500) =>
        Check.One(Config(tests), Prop.ForAll(promise));

    /// <summary>Byte strings of few different bytes, so that equal and nested ones are common.</summary>
    public static Gen<byte[]> Bytes(int least, int most) =>
        from length in Gen.Choose(least, most)
        from bytes in Gen.Elements<byte>(0, (byte)'/', (byte)'a', (byte)'b', 0x80, 0xFE, 0xFF).ArrayOf(length)
        select bytes;

    private static Config Config(int tests)
    {
        var config = FsCheck.Config.QuickThrowOnFailure.WithMaxTest(tests);
        return Environment.GetEnvironmentVariable("DMT_REPLAY")?.Split(',') is [var seed, var gamma, var size]
            ? config.WithReplay(Number(seed), Number(gamma), (int)Number(size))
            : config;

        static ulong Number(string text) => ulong.Parse(text.Trim('(', ')', ' '), CultureInfo.InvariantCulture);
    }
}
