using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace Dmt.Engine.Tests.Torture;

/// <summary>
/// Random checks with shrinking. A failure prints "Replay directly at failing step with (A,B,SIZE)"; the same step
/// alone is run again by <c>DMT_REPLAY=A,B,SIZE ./test Dmt.Engine.Tests NAME_OF_THE_TEST</c>.
/// </summary>
internal static class Property
{
    public static void Holds<T>(Gen<T> values, Func<T, IEnumerable<T>> shrink, Action<T> promise, int tests) =>
        Check.One(
        Config(tests),
        Prop.ForAll(Arb.From(values, shrink), promise));

    private static Config Config(int tests)
    {
        var config = FsCheck.Config.QuickThrowOnFailure.WithMaxTest(tests);
        return Environment.GetEnvironmentVariable("DMT_REPLAY")?.Split(',') is [var seed, var gamma, var size]
            ? config.WithReplay(Number(seed), Number(gamma), (int)Number(size))
            : config;

        static ulong Number(string text) => ulong.Parse(text.Trim('(', ')', ' '), CultureInfo.InvariantCulture);
    }
}
