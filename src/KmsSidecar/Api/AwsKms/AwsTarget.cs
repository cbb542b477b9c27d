using KmsSidecar.Auth;
using Microsoft.Extensions.Primitives;

namespace KmsSidecar.Api.AwsKms;

/// <summary>Tells requests in AWS JSON 1.1 from others, and which operation they name.</summary>
internal static class AwsTarget
{
    /// <summary>No operation's name: AWS, but not in a way that is taken here.</summary>
    public const string None = "";

    /// <summary>Of 1.0 and 1.1, which differ in how services give their errors; parameters may follow.</summary>
    private const string JsonPrefix = "application/x-amz-json-1.";

    /// <returns>Null where the caller does not speak this protocol; <see cref="None"/> where it does, but names no one operation or sends
    /// another type of content.</returns>
    public static string? OperationOf(HttpRequest request)
    {
        StringValues targets = request.Headers[SigV4Options.TargetHeader];
        bool isJson = request.ContentType?.StartsWith(JsonPrefix, StringComparison.OrdinalIgnoreCase) == true;
        if (targets.Count == 0)
        {
            return isJson ? None : null;
        }

        return isJson && targets.Count == 1 ? targets[0] : None;
    }
}
