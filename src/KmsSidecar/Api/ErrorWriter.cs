using System.Buffers;
using System.Text;
using System.Text.Json;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using KmsSidecar.Json;

namespace KmsSidecar.Api;

/// <summary>The one place that writes an error body: JSON for our failures, S3's XML where a SigV4 client expects it.</summary>
internal static class ErrorWriter
{
    public static void WriteJson(Call call, KmsError error, string? message, Route? route)
    {
        KmsErrors.Row row = KmsErrors.Describe(error);
        if (route?.IsSts == true)
        {
            StsXml.WriteError(call, row.Status, error.ToString(), message ?? row.Sentence);
            call.IsRetryable = row.Retryable;
            return;
        }

        call.Output.Clear();
        call.Status = row.Status;
        call.IsRetryable = row.Retryable;
        call.ContentType = "application/json";
        using Utf8JsonWriter writer = JsonOutput.WriteTo(call.Output);
        writer.WriteStartObject();
        writer.WriteBoolean("success", false);
        writer.WriteString("message", message ?? row.Sentence);
        writer.WriteString("code", error.ToString());
        writer.WriteString("request_id", call.RequestId.ToString());
        route?.FailureMembers?.Invoke(writer, call);
        writer.WriteEndObject();
    }

    public static void WriteXml(Call call, AuthFailure failure, Route? route)
    {
        call.IsRetryable = failure.Status == StatusCodes.Status503ServiceUnavailable;
        if (route?.IsSts == true)
        {
            StsXml.WriteError(call, failure.Status, failure.Code.ToString(), failure.Message);
            return;
        }

        call.Output.Clear();
        call.Status = failure.Status;
        call.ContentType = "application/xml";
        Append(call.Output, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>");
        Append(call.Output, failure.Code.ToString());
        Append(call.Output, "</Code><Message>");
        Append(call.Output, Escape(failure.Message));
        Append(call.Output, "</Message><RequestId>");
        Append(call.Output, call.RequestId.ToString());
        Append(call.Output, "</RequestId></Error>");
    }

    /// <summary>One item of an array that failed, in its place.</summary>
    /// <param name="message">Null for the error's own sentence.</param>
    public static void WriteItem(Utf8JsonWriter writer, KmsError error, string? message = null)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("error");
        writer.WriteString("code", error.ToString());
        writer.WriteString("message", message ?? KmsErrors.Describe(error).Sentence);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void Append(IBufferWriter<byte> output, string text) => Encoding.UTF8.GetBytes(text, output);

    /// <summary>The five entities, as upstream escapes them.</summary>
    public static string Escape(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("\"", "&quot;", StringComparison.Ordinal)
        .Replace("'", "&apos;", StringComparison.Ordinal);
}
