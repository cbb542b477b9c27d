namespace KmsSidecar.Auth;

/// <summary>The S3 error codes that a refusal can carry; a member's name is its spelling on the wire.</summary>
internal enum AuthErrorCode
{
    AccessDenied,
    AuthorizationHeaderMalformed,
    AuthorizationQueryParametersError,
    ExpiredToken,
    InvalidAccessKeyId,
    InvalidRequest,
    InvalidToken,
    InvalidURI,
    NotImplemented,
    RequestTimeTooSkewed,
    SignatureDoesNotMatch,
    SlowDown,
    XAmzContentSHA256Mismatch,
}
