namespace Dmt.Api.OpenApi;

/// <summary>A parameter, or a header of an answer.</summary>
/// <param name="Name">As it stands in the request.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Type">JSON schema type: string, integer, number, boolean.</param>
internal readonly record struct ApiParameter(string Name, string Description, string Type = "string");

/// <summary>An answer.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Description">When it comes.</param>
/// <param name="ContentTypes">What its body is; none where it has no body.</param>
internal readonly record struct ApiAnswer(int Status, string Description, params string[] ContentTypes);

/// <summary>
/// What a call takes and answers. Stands beside the handler, is the list that query parameters are checked against, and
/// is what the OpenAPI document is made of; so the three cannot differ.
/// </summary>
internal sealed record ApiCall(string Id, string Tag, string Summary)
{
    public static readonly ApiParameter Fsync = new(
        "fsync",
        "When the write is acknowledged: default, strict, every N operations, every Nms. Absent: as the store is set.");

    public static readonly ApiParameter Cursor =
        new("cursor", "The cursor of the page before; with all other parameters the same.");

    public static readonly ApiParameter Consistency = new(
        "consistency",
        "eventual: a read replica may answer, with its lag in X-Dmt-Lag-Ms; it does so without this, too. strong: only "
        + "the main.");

    public string? Description { get; init; }

    /// <summary>What the key in the path is; null where there is none.</summary>
    public ApiParameter? Path { get; init; }

    public IReadOnlyList<ApiParameter> Query { get; init; } = [];

    public IReadOnlyList<ApiParameter> Headers { get; init; } = [];

    /// <summary>Content types of the body with their descriptions; none where there is no body.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Body { get; init; } = [];

    public IReadOnlyList<ApiAnswer> Answers { get; init; } = [];

    /// <summary>False where an unknown query parameter does no harm (the console page).</summary>
    public bool ChecksQuery { get; init; } = true;

    public string QueryNames => Query.Count == 0
        ? "this call takes none"
        : "expected " + string.Join(", ", Query.Select(parameter => parameter.Name));

    public bool TakesQuery(string name)
    {
        foreach (var parameter in Query)
        {
            if (parameter.Name == name)
            {
                return true;
            }
        }

        return !ChecksQuery;
    }
}
