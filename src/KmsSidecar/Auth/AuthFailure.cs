namespace KmsSidecar.Auth;

/// <summary>Why a request is refused, in words that its sender may read.</summary>
/// <remarks>A message never holds a secret, a token, a signature or a header's value. What it does repeat of the request (a header name, a
/// scheme) has been checked to be a short RFC 9110 token, so it is safe in a log line; it still has to be escaped for XML or
/// JSON.</remarks>
internal sealed record AuthFailure(AuthErrorCode Code, string Message)
{
    public static readonly AuthFailure SignatureRequired = new(AuthErrorCode.AccessDenied, "Signature is required");

    /// <summary>Authenticated, but no policy allows what was asked.</summary>
    public static readonly AuthFailure AccessDenied = new(AuthErrorCode.AccessDenied, "Access Denied");

    public static readonly AuthFailure NoCredentials = new(
        AuthErrorCode.AccessDenied,
        "No credentials are configured, so no request is accepted: set RUSTFS_ACCESS_KEY and RUSTFS_SECRET_KEY, "
        + "or name a --credentials-file.");

    public static readonly AuthFailure QuerySignatureNotAccepted = new(
        AuthErrorCode.AccessDenied,
        "Signatures in the query (presigned URLs) are not accepted; sign the Authorization header.");

    public static readonly AuthFailure TwoSignatures = new(
        AuthErrorCode.InvalidRequest,
        "The request is signed both in the Authorization header and in the query; only one is allowed.");

    public static readonly AuthFailure UnknownAccessKey = new(
        AuthErrorCode.InvalidAccessKeyId,
        "The Access Key Id you provided does not exist in our records.");

    public static readonly AuthFailure UnexpectedToken = new(
        AuthErrorCode.InvalidToken,
        "The provided token is malformed or otherwise invalid: this access key is permanent and takes no session token. "
        + "Unset AWS_SESSION_TOKEN. Only session tokens issued by this service are accepted, each with the access key issued beside it.");

    public static readonly AuthFailure InvalidSessionToken = new(
        AuthErrorCode.InvalidToken,
        "The provided token is malformed or otherwise invalid. Only session tokens issued by this service are accepted, each with the "
        + "access key issued beside it.");

    public static readonly AuthFailure TokenRequired = new(
        AuthErrorCode.AccessDenied, "This access key is temporary: send its session token as x-amz-security-token.");

    public static readonly AuthFailure ExpiredToken = new(AuthErrorCode.ExpiredToken, "The provided token has expired.");

    public static readonly AuthFailure EndedSession = new(
        AuthErrorCode.InvalidToken,
        "The provided token has been revoked: its user is gone or disabled, or has another secret key.");

    public static readonly AuthFailure UserDisabled = new(AuthErrorCode.AccessDenied, "Access Denied: this user is disabled.");

    public static readonly AuthFailure SlowDown = new(
        AuthErrorCode.SlowDown, "Too many requests of this access key or address have failed. Please reduce your request rate.");

    public static readonly AuthFailure PresignedExpired = new(AuthErrorCode.AccessDenied, "Request has expired");

    public static readonly AuthFailure PresignedChange = new(
        AuthErrorCode.AccessDenied, "A presigned URL is good for GET and HEAD only; sign the Authorization header.");

    public static readonly AuthFailure WrongSignature = new(
        AuthErrorCode.SignatureDoesNotMatch,
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.");

    public static readonly AuthFailure WrongScopeDate = new(
        AuthErrorCode.SignatureDoesNotMatch,
        "credential scope date does not match x-amz-date");

    public static readonly AuthFailure ClockSkew = new(AuthErrorCode.RequestTimeTooSkewed, "request time is too far from server time");

    public static readonly AuthFailure WrongBody = new(
        AuthErrorCode.XAmzContentSHA256Mismatch,
        "The provided 'x-amz-content-sha256' header does not match what was computed.");

    public static readonly AuthFailure UnsignedPayloadNotAccepted = new(
        AuthErrorCode.InvalidRequest,
        "x-amz-content-sha256: UNSIGNED-PAYLOAD is not accepted here; send the SHA-256 of the body.");

    public static readonly AuthFailure StreamingNotImplemented = new(
        AuthErrorCode.NotImplemented,
        "x-amz-content-sha256: STREAMING-... payloads are not implemented; send the SHA-256 of the body.");

    public static readonly AuthFailure AsymmetricNotImplemented = new(
        AuthErrorCode.NotImplemented,
        "Signature Version 4A (AWS4-ECDSA-P256-SHA256) is not implemented; sign with AWS4-HMAC-SHA256 for one region.");

    /// <summary>The HTTP status that goes with <see cref="Code"/>.</summary>
    public int Status => Code switch
    {
        AuthErrorCode.AccessDenied => 403,
        AuthErrorCode.InvalidAccessKeyId => 403,
        AuthErrorCode.RequestTimeTooSkewed => 403,
        AuthErrorCode.SignatureDoesNotMatch => 403,
        AuthErrorCode.NotImplemented => 501,
        AuthErrorCode.SlowDown => 503,
        _ => 400,
    };

    public static AuthFailure Malformed(string detail) =>
        new(AuthErrorCode.AuthorizationHeaderMalformed, "The authorization header is malformed; " + detail);

    public static AuthFailure InvalidPresigned(string detail) => new(AuthErrorCode.AuthorizationQueryParametersError, detail);

    public static AuthFailure MissingHeader(string name) => new(AuthErrorCode.InvalidRequest, "missing header: " + name);

    public static AuthFailure InvalidHeader(string name) => new(AuthErrorCode.InvalidRequest, "invalid header: " + name);

    public static AuthFailure InvalidAuthorization(string detail) =>
        new(AuthErrorCode.InvalidRequest, "invalid header: authorization: " + detail);

    public static AuthFailure DuplicateHeader(string name) => new(AuthErrorCode.InvalidRequest, "duplicate header: " + name);

    public static AuthFailure TooManyHeaders(string detail) => new(AuthErrorCode.InvalidRequest, "too many headers: " + detail);

    public static AuthFailure HeaderNotSigned(string name) =>
        new(AuthErrorCode.AccessDenied, "There were headers present in the request which were not signed: " + name);

    public static AuthFailure HostNotAccepted(IReadOnlyList<string> accepted) =>
        new(AuthErrorCode.AccessDenied, "The Host header is not one that this service answers to; expecting " + Alternatives(accepted));

    public static AuthFailure InvalidTarget(string detail) => new(AuthErrorCode.InvalidURI, "Couldn't parse the specified URI: " + detail);

    /// <summary>Writes a list of accepted values as <c>'a', 'b' or 'c'</c>.</summary>
    public static string Alternatives(IReadOnlyList<string> values)
    {
        string[] quoted = [.. values.Select(static value => $"'{value}'")];
        return quoted.Length < 2 ? string.Concat(quoted) : string.Join(", ", quoted[..^1]) + " or " + quoted[^1];
    }
}
