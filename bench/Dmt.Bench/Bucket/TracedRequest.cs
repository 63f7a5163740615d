using System.Globalization;
using Dmt.Engine.Objects;

namespace Dmt.Bench.Bucket;

/// <summary>A request that was made.</summary>
/// <param name="Kind">What it asked.</param>
/// <param name="Name">The object, or the prefix that was listed.</param>
/// <param name="Start">When it began, since the store was made.</param>
/// <param name="End">When it ended.</param>
internal readonly record struct TracedRequest(RequestKind Kind, string Name, TimeSpan Start, TimeSpan End)
{
    /// <summary>How many of them had to wait for one another: the longest chain without overlap.</summary>
    public static int Rounds(IEnumerable<TracedRequest> requests)
    {
        var rounds = 0;
        var end = TimeSpan.MinValue;
        foreach (var request in requests.OrderBy(static request => request.End))
        {
            if (request.Start >= end)
            {
                end = request.End;
                rounds++;
            }
        }

        return rounds;
    }

    /// <summary>One line for each request, times in milliseconds since <paramref name="zero"/>.</summary>
    public static IEnumerable<string> Describe(IEnumerable<TracedRequest> requests, TimeSpan zero) =>
        requests.Select(request => string.Create(
            CultureInfo.InvariantCulture,
            $"  {(request.Start - zero).TotalMilliseconds,8:0.0} {(request.End - zero).TotalMilliseconds,8:0.0}  "
                + $"{request.Kind,-14} {request.Name}"));
}
