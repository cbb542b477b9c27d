using System.Buffers;
using System.Text;
using System.Text.Json;
using KmsSidecar.Api.AwsKms;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using KmsSidecar.Observability;

namespace KmsSidecar.Api;

/// <summary>Writes the body of a failure in the form that the caller's dialect has for it.</summary>
internal static class ErrorWriter
{
    /// <param name="route">For the members that its failures have in our own form.</param>
    public static void Write(Call call, KmsError error, string? message, Route? route)
    {
        KmsErrors.Row row = KmsErrors.Describe(error);
        call.Audit.Failure = error.ToString();
        call.IsRetryable = row.Retryable;
        call.Result = ResultOf(row.Status);
        switch (call.Dialect)
        {
            case Dialect.Sts:
                StsXml.WriteError(call, row.Status, error.ToString(), message ?? row.Sentence);
                return;
            case Dialect.AwsKms:
                AwsErrors.Write(call, AwsErrors.Describe(error), message ?? row.Sentence);
                return;
        }

        call.Output.Clear();
        call.Status = row.Status;
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

    /// <summary>What the signature or a policy refuses.</summary>
    public static void WriteRefusal(Call call, AuthFailure failure)
    {
        call.Audit.Failure = failure.Code.ToString();
        call.IsRetryable = failure.Status == StatusCodes.Status503ServiceUnavailable;
        call.Result = RequestResult.Denied;
        switch (call.Dialect)
        {
            case Dialect.Sts:
                StsXml.WriteError(call, failure.Status, failure.Code.ToString(), failure.Message);
                return;
            case Dialect.AwsKms:
                AwsErrors.Write(call, AwsErrors.Describe(failure), failure.Message);
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

    /// <summary>By the native status: the AWS form has a 400 for a service that is paused.</summary>
    private static RequestResult ResultOf(int status) => status switch
    {
        StatusCodes.Status403Forbidden => RequestResult.Denied,
        StatusCodes.Status503ServiceUnavailable => RequestResult.Unavailable,
        StatusCodes.Status504GatewayTimeout => RequestResult.Timeout,
        StatusCodes.Status500InternalServerError or StatusCodes.Status502BadGateway => RequestResult.Error,
        _ => RequestResult.Invalid,
    };

    private static void Append(IBufferWriter<byte> output, string text) => Encoding.UTF8.GetBytes(text, output);

    /// <summary>The five entities, as upstream escapes them.</summary>
    public static string Escape(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("\"", "&quot;", StringComparison.Ordinal)
        .Replace("'", "&apos;", StringComparison.Ordinal);
}
