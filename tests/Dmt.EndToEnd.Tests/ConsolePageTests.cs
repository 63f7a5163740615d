using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;

namespace Dmt.EndToEnd.Tests;

/// <summary>The console page in a real browser.</summary>
[Trait("Needs", "chromium")]
public sealed partial class ConsolePageTests
{
    private static readonly string[] Browsers = ["chromium", "chromium-browser", "google-chrome"];

    [Fact]
    public async Task The_console_shows_the_store_and_the_search_that_its_address_asks_for()
    {
        using var folder = new TempFolder();
        using var server = await new BuiltProgram(folder.Path).ServeAsync();
        foreach (var word in (string[])["trie", "triangle", "trial", "<b>&tria", "tria<i>", "other"])
        {
            using var content = new StringContent("value of " + word);
            using var response = await server.Client.PutAsync($"/kv/{Uri.EscapeDataString(word)}", content);
            Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        }

        var page = await BrowseAsync(folder, $"{server.Url}/#q=tria", "--dump-dom");
        Assert.Equal(["tria<i>", "trial", "triangle"], Rows(page));
        Assert.Contains("1 to 3, ", page, StringComparison.Ordinal);
        Assert.Matches("""id="health"[^>]*>ready<""", page);
        Assert.Matches("<dt>Entries, at most</dt><dd>6</dd>", page);
        Assert.Matches("<dt>Write amplification</dt><dd>[0-9.]+x</dd>", page);

        Assert.Equal(6, Rows(await BrowseAsync(folder, server.Url, "--dump-dom")).Length);
        Assert.Contains(
            "Nothing found", await BrowseAsync(folder, $"{server.Url}/#q=zzz", "--dump-dom"), StringComparison.Ordinal);

        // For people: what it looks like.
        var picture = Path.Combine(Checkout.Root, "artifacts", "console.png");
        File.Delete(picture);
        await BrowseAsync(folder, $"{server.Url}/#q=tria", $"--screenshot={picture}", "--window-size=1280,800");
        Assert.InRange(new FileInfo(picture).Length, 10_000, long.MaxValue);
    }

    private static string[] Rows(string page) =>
        [.. Row().Matches(page).Select(m => WebUtility.HtmlDecode(Tag().Replace(m.Groups[1].Value, string.Empty)))];

    private static async Task<string> BrowseAsync(TempFolder folder, string url, params string[] arguments)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator);
        var browser = Browsers.SelectMany(b => path.Select(p => Path.Combine(p, b))).First(File.Exists);
        var start = new ProcessStartInfo(browser, [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            $"--user-data-dir={folder.Combine("browser")}", "--virtual-time-budget=3000", .. arguments, url]);
        var result = await BuiltProgram.RunAsync(new BuiltProgram(folder.Path).Isolated(start));
        Assert.True(result.ExitCode == 0, $"{result}");
        return result.Output;
    }

    [GeneratedRegex("<li><button[^>]*><span class=\"key\">(.*?)</span>", RegexOptions.CultureInvariant)]
    private static partial Regex Row();

    [GeneratedRegex("</?b>", RegexOptions.CultureInvariant)]
    private static partial Regex Tag();
}
