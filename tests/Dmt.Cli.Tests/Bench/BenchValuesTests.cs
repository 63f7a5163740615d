using Dmt.Cli.Bench;

namespace Dmt.Cli.Tests.Bench;

public sealed class BenchValuesTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(100)]
    [InlineData(100_000)]
    public void A_value_of_any_generation_is_recognised_and_that_of_another_key_is_not(int valueBytes)
    {
        var values = new BenchValues(valueBytes, seed: 5);
        var value = new byte[valueBytes];
        foreach (var generation in new ulong[] { 0, 1, 77 })
        {
            values.Fill(0xABCD, generation, value);

            Assert.True(values.IsValue(0xABCD, value));
            Assert.False(values.IsValue(0xABCD, [.. value, 0]));
            Assert.True(valueBytes < 8 || !values.IsValue(0xABCE, value));
        }
    }

    [Fact]
    public void A_changed_byte_anywhere_is_found()
    {
        var values = new BenchValues(100, seed: 5);
        var value = new byte[100];
        values.Fill(42, 1, value);
        for (var i = 0; i < value.Length; i++)
        {
            value[i] ^= 1;
            Assert.False(values.IsValue(42, value), $"byte {i}");
            value[i] ^= 1;
        }
    }

    [Fact]
    public void Another_generation_gives_another_value()
    {
        var values = new BenchValues(100, seed: 5);
        var (first, second) = (new byte[100], new byte[100]);
        values.Fill(42, 1, first);
        values.Fill(42, 2, second);

        Assert.NotEqual(first, second);
    }
}
