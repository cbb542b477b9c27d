using System.Text;
using System.Text.Json;
using KmsSidecar.Auth;
using KmsSidecar.Observability;

namespace KmsSidecar.CommandLine.Client;

/// <summary>What a daemon refuses, in its own words, with the exit code and the command to type next.</summary>
internal static class Refusal
{
    /// <summary>The longest messages list what a token of Vault may not do, path by path.</summary>
    private const int MaxMessageChars = 2000;

    /// <summary>What the daemon says to those who use its API, and its words here.</summary>
    private static readonly (string Route, string Command)[] Spellings =
    [
        ("{\"force\":true}", "--force"),
        ("POST /rustfs/admin/v3/kms/configure", "kms-sidecar configure -f FILE"),
        ("GET /rustfs/admin/v3/kms/config/history", "kms-sidecar history"),
        ("GET /rustfs/admin/v3/kms/status", "kms-sidecar status"),
    ];

    public static CommandFault Of(DaemonAnswer answer, string where)
    {
        (string code, string? message) = Read(answer);
        if (message is null)
        {
            return Unreached.Stranger(where, new HttpRequestException($"status {answer.Status}"));
        }

        // A message that says what to do says it better than a table by codes.
        string? next = NextAfter(code);
        foreach ((string route, string command) in Spellings)
        {
            next = message.Contains(route, StringComparison.Ordinal) ? null : next;
            message = message.Replace(route, command, StringComparison.Ordinal);
        }

        int exitCode = answer.Status switch
        {
            // Over the AWS KMS API that is a 400.
            _ when code == "AccessDeniedException" => ExitCode.NoPermission,
            401 or 403 => ExitCode.NoPermission,
            >= 500 => ExitCode.Unavailable,
            _ => ExitCode.Refused,
        };
        return new CommandFault(exitCode, PrintableText.Of(message.TrimEnd('.') + MendOf(code), MaxMessageChars), next) { Code = code };
    }

    private static (string Code, string? Message) Read(DaemonAnswer answer)
    {
        if (answer.ContentType == "application/xml")
        {
            string xml = Encoding.UTF8.GetString(answer.Body.Span);
            return (S3Error.CodeIn(xml), S3Error.MessageIn(xml));
        }

        try
        {
            JsonElement body = JsonElement.Parse(answer.Body.Span);
            return (body.Text("code") ?? body.Text("__type") ?? "", body.Text("message"));
        }
        catch (JsonException)
        {
            return ("", null);
        }
    }

    private static string MendOf(string code) => code switch
    {
        "InvalidAccessKeyId" => "; the access key is not one that this daemon knows: look at --profile, --credentials-file and the environment",
        "SignatureDoesNotMatch" => "; the secret key is not the one of this access key",
        "AccessDenied" => "; `kms-sidecar policy check` says which policy decides",
        "AuthorizationHeaderMalformed" => "; --region and --profile choose what a signature names",
        "RequestTimeTooSkewed" => "; set the clock of this machine or of the daemon's",
        "UnknownRoute" => ": it is a daemon of another version, or its data socket",
        "ExpiredToken" => "; the session token has ended: take a new one",
        _ => "",
    };

    private static string? NextAfter(string code) => code switch
    {
        "NotRunning" => "kms-sidecar start",
        "KeyNotFound" => "kms-sidecar keys list",
        "KeyPendingDeletion" => "kms-sidecar keys cancel-deletion KEY",
        "KeyDisabled" => "kms-sidecar keys enable KEY",
        "KeyStillReferenced" => "kms-sidecar reconfigure default_key_id=OTHER-KEY",
        "UserNotFound" => "kms-sidecar users list",
        "PolicyNotFound" => "kms-sidecar policy list",
        "BackendUnavailable" or "BackendTimeout" or "WrongState" => "kms-sidecar status",
        _ => null,
    };
}
