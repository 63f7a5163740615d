using System.Net;
using System.Text.Json;

namespace Dmt.Api.Tests;

internal static class ProblemAssert
{
    /// <summary>
    /// The answer is a problem of this status and kind, whose detail holds the words; gives the problem.
    /// </summary>
    public static async Task<JsonElement> IsProblemAsync(
        this Task<HttpResponseMessage> sent, int status, string kind, params string[] words)
    {
        using var response = await sent;
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(status == (int)response.StatusCode, $"expected {status}, got {response.StatusCode}: {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = JsonDocument.Parse(text).RootElement;
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.Equal(kind, problem.GetProperty("kind").GetString());
        Assert.NotEmpty(problem.GetProperty("title").GetString()!);
        var detail = problem.GetProperty("detail").GetString()!;
        Assert.DoesNotContain("   at ", detail, StringComparison.Ordinal);
        foreach (var word in words)
        {
            Assert.Contains(word, detail, StringComparison.Ordinal);
        }

        return problem;
    }

    public static async Task<HttpResponseMessage> IsAsync(this Task<HttpResponseMessage> sent, HttpStatusCode status)
    {
        var response = await sent;
        Assert.True(
            status == response.StatusCode,
            $"expected {status}, got {response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
        return response;
    }

    public static async Task<string> TextAsync(this Task<HttpResponseMessage> sent)
    {
        using var response = await sent;
        return await response.Content.ReadAsStringAsync();
    }
}
