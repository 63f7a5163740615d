using FsCheck;
using FsCheck.Fluent;

namespace Dmt.Core.Tests;

public sealed class DurabilityTests
{
    private static readonly Gen<Durability> Levels = Gen.OneOf(
        Gen.Elements(Durability.Default, Durability.Strict),
        Gen.Choose(1, 1_000_000_000).Select(Durability.EveryOperations),
        Gen.Choose(1, 3_600_000).Select(ms => Durability.EveryInterval(TimeSpan.FromMilliseconds(ms))),
        Gen.Choose(10_000, int.MaxValue).Select(ticks => Durability.EveryInterval(new TimeSpan(ticks))));

    [Fact]
    public void A_level_is_parsed_from_what_it_prints() =>
        Property.Holds(Levels, level => Durability.Parse(level.ToString()) == level, 5000);

    [Theory]
    [InlineData("default", "default")]
    [InlineData(" strict ", "strict")]
    [InlineData("every 1000 operations", "every 1000 operations")]
    [InlineData("every  1  operation", "every 1 operations")]
    [InlineData("every 50ms", "every 50ms")]
    [InlineData("every 1.5s", "every 1500ms")]
    [InlineData("every 2m", "every 120000ms")]
    [InlineData("every 60m", "every 3600000ms")]
    public void Levels_are_written_in_words(string text, string canonical) =>
        Assert.Equal(canonical, Durability.Parse(text).ToString());

    [Fact]
    public void Levels_say_what_they_are()
    {
        Assert.Equal(default, Durability.Default);
        Assert.True(Durability.Strict.IsStrict);
        Assert.Equal(7, Durability.Parse("every 7 operations").Operations);
        Assert.Equal(TimeSpan.FromMilliseconds(20), Durability.Parse("every 20ms").Interval);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Strict")]
    [InlineData("every")]
    [InlineData("every 5")]
    [InlineData("every -5 operations")]
    [InlineData("every 1e3 operations")]
    [InlineData("every ms")]
    [InlineData("every 5sm")]
    [InlineData("every 5 ms ms")]
    [InlineData("strict strict")]
    public void What_is_no_level_is_refused_with_the_levels_there_are(string text)
    {
        var error = Assert.Throws<DmtException>(() => Durability.Parse(text));

        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        Assert.StartsWith($"\"{text}\" is no durability level: expected default, strict,", error.Message);
    }

    [Theory]
    [InlineData("every 0 operations", "every 0 operations: expected 1 to 1000000000")]
    [InlineData("every 1000000001 operations", "expected 1 to 1000000000")]
    [InlineData("every 0ms", "expected 1ms to 1h")]
    [InlineData("every 0.9ms", "expected 1ms to 1h")]
    [InlineData("every 61m", "expected 1ms to 1h")]
    public void What_is_out_of_range_is_refused_with_the_range(string text, string said)
    {
        var error = Assert.Throws<DmtException>(() => Durability.Parse(text));

        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }
}
