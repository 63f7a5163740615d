namespace Dmt.Engine.Requests;

/// <summary>What two shards know together, once their keys are one shard's.</summary>
internal static class RequestUnion
{
    /// <returns>In order of use.</returns>
    public static IReadOnlyList<RequestClient> Of(
        IReadOnlyList<RequestClient> first,
        RequestScope firstKeys,
        IReadOnlyList<RequestClient> second,
        RequestScope secondKeys)
    {
        var others = second.ToDictionary(static client => client.Client);
        var union = new List<RequestClient>();
        foreach (var client in first)
        {
            others.Remove(client.Client, out var other);
            union.Add(Of(client, firstKeys, other ?? client with { Completed = [] }, secondKeys));
        }

        union.AddRange(others.Values.Select(other =>
            Of(other, secondKeys, other with { Completed = [] }, firstKeys)));
        return [.. union.OrderBy(static client => client.LastUsedMs)];
    }

    private static RequestClient Of(
        RequestClient one, RequestScope oneKeys, RequestClient other, RequestScope otherKeys)
    {
        var pendingFrom = Math.Max(one.PendingFrom, other.PendingFrom);
        var completed = new SortedDictionary<ulong, CompletedRequest>();
        foreach (var done in one.Completed)
        {
            completed[done.Number] = done with { Scope = done.Scope ?? oneKeys };
        }

        var inOne = one.Completed.ToDictionary(static done => done.Number);
        foreach (var done in other.Completed)
        {
            completed[done.Number] = !inOne.TryGetValue(done.Number, out var both)
                ? done with { Scope = done.Scope ?? otherKeys }
                : new CompletedRequest(
                    done.Number,
                    Math.Max(done.Version, both.Version),
                    both.Scope is null && done.Scope is null
                        ? null // For all keys of each is for all keys of both.
                        : RequestScope.Union(both.Scope ?? oneKeys, done.Scope ?? otherKeys));
        }

        return new RequestClient(
            one.Client,
            pendingFrom,
            Math.Max(one.LastUsedMs, other.LastUsedMs),
            [.. completed.Values.Where(done => done.Number >= pendingFrom)]);
    }
}
