using System.Text.Encodings.Web;
using System.Text.Json;
using KmsSidecar.Doubles.Core;
using Microsoft.AspNetCore.Http;

namespace KmsSidecar.Doubles.Http;

/// <summary>Answers with the headers that the server sets.</summary>
internal static class AnswerWriter
{
    /// <summary>As Go does, a plus sign is not escaped: base64 is readable.</summary>
    private static readonly JsonSerializerOptions Style = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] BodyOf(Answer answer) => answer.Body is null ? [] : [.. JsonSerializer.SerializeToUtf8Bytes(answer.Body, Style), (byte)'\n'];

    public static void Begin(HttpResponse response, int status, int? length)
    {
        response.StatusCode = status;
        response.ContentType = "application/json";
        if (status != 413)
        {
            response.Headers.CacheControl = "no-store";
            response.Headers.StrictTransportSecurity = "max-age=31536000; includeSubDomains";
        }

        if (status != 204)
        {
            response.ContentLength = length;
        }
    }
}
