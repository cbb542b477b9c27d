using System.Globalization;
using System.Text;
using KmsSidecar.Access.Sessions;

namespace KmsSidecar.Api;

/// <summary>Answers in the XML of AWS STS, version 2011-06-15, which its clients parse.</summary>
internal static class StsXml
{
    /// <summary>There are no accounts here; the number keeps ARNs in their form.</summary>
    private const string Account = "000000000000";

    private const string Namespace = "https://sts.amazonaws.com/doc/2011-06-15/";

    public static void WriteSession(Call call, SessionClaims session, StsRequest request, ReadOnlySpan<byte> secret, string sealedClaims)
    {
        Open(call, "AssumeRole");
        Append(call, "<AssumedRoleUser><AssumedRoleId>");
        Append(call, ErrorWriter.Escape($"{session.AccessKey}:{request.SessionName}"));
        Append(call, "</AssumedRoleId><Arn>");
        Append(call, ErrorWriter.Escape($"arn:aws:sts::{Account}:assumed-role/{request.RoleName}/{request.SessionName}"));
        Append(call, "</Arn></AssumedRoleUser><Credentials><AccessKeyId>");
        Append(call, session.AccessKey);
        Append(call, "</AccessKeyId><SecretAccessKey>");

        // base64url: nothing to escape, and it never becomes a string.
        secret.CopyTo(call.Output.GetSpan(secret.Length));
        call.Output.Advance(secret.Length);
        Append(call, "</SecretAccessKey><SessionToken>");
        Append(call, sealedClaims);
        Append(call, "</SessionToken><Expiration>");
        Append(call, session.ExpiresAt.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        Append(call, "</Expiration></Credentials>");
        Close(call, "AssumeRole");
    }

    /// <param name="name">The user; with a session, the one whose session it is.</param>
    public static void WriteIdentity(Call call, string name, string accessKey)
    {
        bool isSession = name != accessKey;
        Open(call, "GetCallerIdentity");
        Append(call, "<Arn>");
        Append(call, ErrorWriter.Escape(isSession ? $"arn:aws:sts::{Account}:assumed-role/{name}/{accessKey}" : $"arn:aws:iam::{Account}:user/{name}"));
        Append(call, "</Arn><UserId>");
        Append(call, ErrorWriter.Escape(isSession ? $"{accessKey}:{name}" : name));
        Append(call, $"</UserId><Account>{Account}</Account>");
        Close(call, "GetCallerIdentity");
    }

    public static void WriteError(Call call, int status, string code, string message)
    {
        call.Output.Clear();
        call.Audit.Failure ??= code;
        call.Status = status;
        call.ContentType = "text/xml";
        Append(call, $"<ErrorResponse xmlns=\"{Namespace}\"><Error><Type>{(status < 500 ? "Sender" : "Receiver")}</Type><Code>{code}</Code><Message>");
        Append(call, ErrorWriter.Escape(message));
        Append(call, $"</Message></Error><RequestId>{call.RequestId}</RequestId></ErrorResponse>");
    }

    private static void Open(Call call, string action)
    {
        call.ContentType = "text/xml";
        Append(call, $"<{action}Response xmlns=\"{Namespace}\"><{action}Result>");
    }

    private static void Close(Call call, string action) =>
        Append(call, $"</{action}Result><ResponseMetadata><RequestId>{call.RequestId}</RequestId></ResponseMetadata></{action}Response>");

    private static void Append(Call call, string text) => Encoding.UTF8.GetBytes(text, call.Output);
}
