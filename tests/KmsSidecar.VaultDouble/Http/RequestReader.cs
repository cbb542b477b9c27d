using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;
using KmsSidecar.Doubles.Requests;
using Microsoft.AspNetCore.Http;

namespace KmsSidecar.Doubles.Http;

/// <summary>From HTTP to what the server's insides take.</summary>
internal static class RequestReader
{
    private const int MaxBody = 32 * 1024 * 1024;
    private const string TokenHeader = "X-Vault-Token";
    private const string VersionPrefix = "/v1/";

    public static string PathOf(HttpRequest request)
    {
        string path = request.Path.Value ?? "";
        return path.StartsWith(VersionPrefix, StringComparison.Ordinal) ? path[VersionPrefix.Length..] : path;
    }

    /// <exception cref="VaultFailure">The body is too long.</exception>
    public static async Task<byte[]> ReadBodyAsync(HttpRequest request, CancellationToken cancellation)
    {
        using MemoryStream body = new();
        byte[] buffer = new byte[16 * 1024];
        bool isTooLong = request.ContentLength > MaxBody;
        int read;
        while ((read = await request.Body.ReadAsync(buffer, cancellation)) > 0)
        {
            // The rest is read nevertheless: a client that is still sending would not see the answer.
            isTooLong |= body.Length + read > MaxBody;
            if (!isTooLong)
            {
                body.Write(buffer, 0, read);
            }
        }

        return isTooLong ? throw new VaultFailure(413, "http: request body too large") : body.ToArray();
    }

    public static RequestRecord Describe(HttpRequest request, int bodySize, Call? call, DateTimeOffset now)
    {
        string token = request.Headers[TokenHeader].ToString();
        return new RequestRecord(
            request.Method,
            PathOf(request),
            request.QueryString.Value ?? "",
            request.Headers.Where(static header => header.Key is not TokenHeader and not "Authorization")
                .ToDictionary(static header => header.Key, static header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            bodySize,
            (call?.Body["batch_input"] as JsonArray)?.Count ?? 0,
            token.Length == 0 ? null : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)))[..12],
            now);
    }

    /// <exception cref="VaultFailure">The server would not take it.</exception>
    public static Call Read(HttpRequest request, byte[] body, Func<bool, bool> ignoresAssociatedData)
    {
        if (request.Method == "PATCH" && request.ContentType != "application/merge-patch+json")
        {
            throw new VaultFailure(415, $"PATCH requires Content-Type of application/merge-patch+json, provided {request.ContentType}");
        }

        Operation operation = request.Method switch
        {
            "GET" or "HEAD" when request.Query["list"] == "true" => Operation.List,
            "GET" or "HEAD" => Operation.Read,
            "LIST" => Operation.List,
            "DELETE" => Operation.Delete,
            "PATCH" => Operation.Patch,
            "POST" or "PUT" => Operation.Create,
            _ => throw new VaultFailure(405),
        };
        JsonObject fields = body.Length == 0 ? [] : Parse(body);
        return new Call(operation, PathOf(request), fields)
        {
            Token = Header(request, TokenHeader) ?? Bearer(request),
            Namespace = Header(request, "X-Vault-Namespace") ?? "",
            WrapTtl = Header(request, "X-Vault-Wrap-TTL") is { } ttl ? GoDuration.Parse(ttl) : null,
            Query = request.Query.ToDictionary(static pair => pair.Key, static pair => pair.Value.ToString(), StringComparer.Ordinal),
            IgnoresAssociatedData = ignoresAssociatedData(fields.ContainsKey("batch_input")),
        };
    }

    private static string? Header(HttpRequest request, string name) => request.Headers[name].ToString() is { Length: > 0 } value ? value : null;

    private static string? Bearer(HttpRequest request)
    {
        const string Scheme = "Bearer ";
        string? header = Header(request, "Authorization");
        return header?.StartsWith(Scheme, StringComparison.Ordinal) == true ? header[Scheme.Length..] : null;
    }

    private static JsonObject Parse(byte[] body)
    {
        try
        {
            JsonLimits.Check(body);
            return JsonNode.Parse(body) as JsonObject ?? throw new VaultFailure(400, "failed to decode JSON input: cannot unmarshal into Go value of type map[string]interface {}");
        }
        catch (JsonException)
        {
            throw new VaultFailure(400, "failed to decode JSON input: unexpected EOF");
        }
    }
}
