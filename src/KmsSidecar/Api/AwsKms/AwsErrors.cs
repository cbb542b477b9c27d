using System.Text.Json;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using KmsSidecar.Json;

namespace KmsSidecar.Api.AwsKms;

/// <summary>What each failure is over the AWS KMS API: the one table to its codes, and their form.</summary>
/// <remarks>
/// RustFS retries some of these codes and, after five such answers, asks for nothing at all for 30 s: that stops every encrypted object of
/// the node. So what will not pass by itself (a damaged key, a service that is paused, a backend that refuses, a full disk) has a code that it does not
/// retry, and hurts one request alone.
/// </remarks>
internal static class AwsErrors
{
    public const string ContentType = "application/x-amz-json-1.1";

    public static AwsErrorCode Describe(KmsError error) => error switch
    {
        KmsError.RequestTooLarge => AwsErrorCode.RequestEntityTooLargeException,
        KmsError.RequestTimeout => AwsErrorCode.RequestTimeoutException,
        KmsError.Forbidden => AwsErrorCode.AccessDeniedException,
        KmsError.UnknownRoute or KmsError.MethodNotAllowed or KmsError.UnknownOperation => AwsErrorCode.UnknownOperationException,
        KmsError.KeyNotFound => AwsErrorCode.NotFoundException,
        KmsError.KeyExists => AwsErrorCode.AlreadyExistsException,
        KmsError.KeyDisabled => AwsErrorCode.DisabledException,
        KmsError.InvalidCiphertext => AwsErrorCode.InvalidCiphertextException,
        KmsError.Unsupported => AwsErrorCode.UnsupportedOperationException,
        KmsError.BackendUnavailable => AwsErrorCode.KeyUnavailableException,
        KmsError.BackendTimeout => AwsErrorCode.DependencyTimeoutException,
        KmsError.Internal => AwsErrorCode.KMSInternalException,
        KmsError.KeyPendingDeletion or KmsError.KeyNotPendingDeletion or KmsError.KeyStillReferenced or KmsError.KeyDamaged or KmsError.WrongState
            or KmsError.NotRunning or KmsError.InvalidConfiguration or KmsError.BackendRejected or KmsError.StorageFailed
            or KmsError.AuditUnavailable => AwsErrorCode.KMSInvalidStateException,
        _ => AwsErrorCode.ValidationException,
    };

    public static AwsErrorCode Describe(AuthFailure failure)
    {
        if (failure == AuthFailure.SignatureRequired || failure == AuthFailure.NoCredentials)
        {
            return AwsErrorCode.MissingAuthenticationTokenException;
        }

        return failure.Code switch
        {
            AuthErrorCode.AccessDenied => AwsErrorCode.AccessDeniedException,
            AuthErrorCode.ExpiredToken => AwsErrorCode.ExpiredTokenException,
            AuthErrorCode.InvalidAccessKeyId or AuthErrorCode.InvalidToken => AwsErrorCode.UnrecognizedClientException,
            AuthErrorCode.SlowDown => AwsErrorCode.ThrottlingException,
            AuthErrorCode.AuthorizationHeaderMalformed or AuthErrorCode.RequestTimeTooSkewed or AuthErrorCode.SignatureDoesNotMatch
                or AuthErrorCode.XAmzContentSHA256Mismatch => AwsErrorCode.InvalidSignatureException,
            _ => AwsErrorCode.IncompleteSignatureException,
        };
    }

    public static void Write(Call call, AwsErrorCode code, string message)
    {
        call.Output.Clear();
        call.Audit.Failure ??= code.ToString();
        call.Status = StatusOf(code);
        call.IsRetryable = call.Status >= StatusCodes.Status500InternalServerError;
        call.ContentType = ContentType;
        using Utf8JsonWriter writer = JsonOutput.WriteTo(call.Output);
        writer.WriteStartObject();
        writer.WriteString("__type", code.ToString());
        writer.WriteString("message", message);
        writer.WriteEndObject();
    }

    private static int StatusOf(AwsErrorCode code) => code switch
    {
        AwsErrorCode.RequestTimeoutException => StatusCodes.Status408RequestTimeout,
        AwsErrorCode.RequestEntityTooLargeException => StatusCodes.Status413PayloadTooLarge,
        AwsErrorCode.KeyUnavailableException or AwsErrorCode.KMSInternalException => StatusCodes.Status500InternalServerError,
        AwsErrorCode.DependencyTimeoutException => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status400BadRequest,
    };
}
