using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace KmsSidecar.Api.AwsKms;

/// <summary>Tells requests in AWS JSON 1.1 from others, and which operation they name.</summary>
internal static class AwsTarget
{
    public const string HeaderName = "X-Amz-Target";

    /// <summary>No operation's name: AWS, but not in a way that is taken here.</summary>
    public const string None = "";

    private const string JsonPrefix = "application/x-amz-json-";

    /// <returns>Null where the caller does not speak this protocol; <see cref="None"/> where it does, but names no one operation or sends
    /// another type of content.</returns>
    public static string? OperationOf(HttpRequest request)
    {
        StringValues targets = request.Headers[HeaderName];
        bool isJson = request.ContentType is { } type && IsJson(type);
        if (targets.Count == 0)
        {
            return isJson ? None : null;
        }

        return isJson && targets.Count == 1 ? targets[0] : None;
    }

    private static bool IsJson(string contentType) => MediaTypeHeaderValue.TryParse(contentType, out MediaTypeHeaderValue? type)
        && type.MediaType.StartsWith(JsonPrefix, StringComparison.OrdinalIgnoreCase);
}
