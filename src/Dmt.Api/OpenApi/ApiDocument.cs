using System.Globalization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Dmt.Api.OpenApi;

/// <summary>Fills the OpenAPI document from the <see cref="ApiCall"/> beside each handler.</summary>
internal static class ApiDocument
{
    public static void Configure(OpenApiOptions options)
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "DMT",
                Version = "v1",
                Description = "An ordered, prefix-searchable key-value store. Errors are problem details (RFC 9457) "
                + "with a kind.",
            };
            document.Servers = [];
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            if (context.Description.ActionDescriptor.EndpointMetadata.OfType<ApiCall>().LastOrDefault() is { } call)
            {
                Describe(operation, call, context.Description.HttpMethod == "HEAD");
            }

            return Task.CompletedTask;
        });
    }

    private static void Describe(OpenApiOperation operation, ApiCall call, bool isHead)
    {
        operation.OperationId = isHead ? call.Id + "Head" : call.Id;
        operation.Summary = call.Summary;
        operation.Description = call.Description;
        operation.Tags = new HashSet<OpenApiTagReference> { new(call.Tag) };
        operation.Parameters = [];
        if (call.Path is { } path)
        {
            operation.Parameters.Add(Parameter(path, ParameterLocation.Path));
        }

        foreach (var query in call.Query)
        {
            operation.Parameters.Add(Parameter(query, ParameterLocation.Query));
        }

        foreach (var header in call.Headers)
        {
            operation.Parameters.Add(Parameter(header, ParameterLocation.Header));
        }

        operation.RequestBody = call.Body.Count == 0 ? null : new OpenApiRequestBody
        {
            Required = true,
            Description = string.Join("; ", call.Body.Select(body => $"{body.Key}: {body.Value}")),
            Content = call.Body.ToDictionary(body => body.Key, _ => new OpenApiMediaType()),
        };
        operation.Responses = [];
        foreach (var answer in call.Answers.OrderBy(answer => answer.Status))
        {
            operation.Responses.Add(
                answer.Status.ToString(CultureInfo.InvariantCulture),
                new OpenApiResponse
                {
                    Description = answer.Description,
                    Content = answer.ContentTypes.ToDictionary(type => type, _ => new OpenApiMediaType()),
                });
        }
    }

    private static OpenApiParameter Parameter(ApiParameter parameter, ParameterLocation location) => new()
    {
        Name = parameter.Name,
        In = location,
        Required = location == ParameterLocation.Path,
        Description = parameter.Description,
        Schema = new OpenApiSchema
        {
            Type = parameter.Type switch
            {
                "integer" => JsonSchemaType.Integer,
                "number" => JsonSchemaType.Number,
                "boolean" => JsonSchemaType.Boolean,
                _ => JsonSchemaType.String,
            },
        },
    };
}
