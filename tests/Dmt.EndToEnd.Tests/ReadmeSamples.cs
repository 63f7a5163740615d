using Dmt.Core;
using Dmt.Core.Trie;
using Dmt.Engine;

namespace Dmt.EndToEnd.Tests;

/// <summary>The C# of README.md, letter by letter, as what a newcomer would compile and run.</summary>
internal static class ReadmeSamples
{
    public static async Task Store()
    {
        await using var store = await TrieStore.OpenAsync("data");
        await store.PutAsync("apple", "a fruit");
        Console.WriteLine(await store.GetTextAsync("apple"));
        await foreach (var (key, value) in store.PrefixAsync("app"))
            Console.WriteLine($"{key} = {value}");
    }

    public static void Map()
    {
        using var map = new RadixMap<int>();
        map.Insert("romane", 1);
        map.Insert("romanus", 2);
        foreach (var (word, number) in map.Prefix("roma")) Console.WriteLine($"{word} {number}");
    }
}
