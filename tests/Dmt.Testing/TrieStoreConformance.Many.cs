using System.Text;
using Dmt.Core;
using Dmt.Core.Keys;

namespace Dmt.Testing;

/// <content>Many keys at once.</content>
public abstract partial class TrieStoreConformance
{
    [Fact]
    public async Task Many_keys_are_got_in_the_order_they_were_asked_for()
    {
        await using var store = await OpenAsync();
        string[] names = ["", "a", "m", "z", "mm"];
        foreach (var name in names)
        {
            await store.PutAsync(name + "/here", name);
        }

        var keys = names.SelectMany(static name => new[] { name + "/here", name + "/not", name + "/here" }).Reverse();
        var entries = await store.GetManyAsync([.. keys.Select(Memory)]);
        Assert.Equal(
            names.SelectMany(static name => new[] { name, null, name }).Reverse(),
            entries.Select(static entry => entry is { } here ? Text(here.Value) : null));
        Assert.Empty(await store.GetManyAsync([]));
    }

    [Fact]
    public async Task Many_keys_with_a_wrong_one_among_them_are_refused()
    {
        await using var store = await OpenAsync();
        await store.PutAsync("k", "v");
        var error = await Assert.ThrowsAsync<DmtException>(
            async () => await store.GetManyAsync([Memory("k"), new byte[Key.BytesMax + 1]]));
        Assert.Equal(DmtErrorKind.TooLarge, error.Kind);
        error = await Assert.ThrowsAsync<DmtException>(
            async () => await store.GetManyAsync([Memory("k"), default]));
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
    }

    [Fact]
    public async Task Many_keys_may_hold_more_than_fits_into_one_answer()
    {
        await using var store = await OpenAsync();
        var values = Enumerable.Range(0, 12).Select(i => new byte[Math.Min(1_500_000, ValueBytesMax)]).ToList();
        for (var i = 0; i < values.Count; i++)
        {
            Array.Fill(values[i], (byte)i);
            await store.PutAsync(Memory($"large/{i:D2}"), values[i]);
        }

        var entries = await store.GetManyAsync([.. values.Select(static (_, i) => Memory($"large/{i:D2}"))]);
        Assert.All(entries, (entry, i) => Assert.True(entry!.Value.Value.Span.SequenceEqual(values[i])));
    }

    [Fact]
    public async Task Many_keys_are_put_at_once_and_the_last_value_of_a_key_stays()
    {
        await using var store = await OpenAsync();
        var before = await store.PutAsync("m1", "before");
        var version = await store.PutManyAsync(
            new (string Key, string Value)[] { ("a1", "1"), ("m1", "2"), ("z1", "3"), ("a1", "4") }
                .Select(static pair => KeyValuePair.Create(Memory(pair.Key), Memory(pair.Value))));
        Assert.True(version > 0);
        Assert.Equal("4", await store.GetTextAsync("a1"));
        Assert.Equal("2", await store.GetTextAsync("m1"));
        Assert.Equal("3", await store.GetTextAsync("z1"));
        Assert.True((await store.GetAsync("m1"))!.Value.Version > before);
    }

    [Fact]
    public async Task Putting_no_keys_at_all_is_refused()
    {
        await using var store = await OpenAsync();
        var error = await Assert.ThrowsAsync<DmtException>(async () => await store.PutManyAsync([]));
        Assert.Equal(DmtErrorKind.InvalidArgument, error.Kind);
    }

    private static ReadOnlyMemory<byte> Memory(string text) => Encoding.UTF8.GetBytes(text);
}
