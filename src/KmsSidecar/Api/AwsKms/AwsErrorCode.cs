namespace KmsSidecar.Api.AwsKms;

/// <summary>The error codes of the AWS KMS API that are used here; a member's name is its spelling on the wire.</summary>
internal enum AwsErrorCode
{
    AccessDeniedException,
    AlreadyExistsException,
    DependencyTimeoutException,
    DisabledException,

    /// <summary>A dry run that would have succeeded.</summary>
    DryRunOperationException,
    ExpiredTokenException,
    IncompleteSignatureException,
    IncorrectKeyException,
    InvalidArnException,
    InvalidCiphertextException,
    InvalidKeyUsageException,
    InvalidMarkerException,
    InvalidSignatureException,
    KeyUnavailableException,
    KMSInternalException,
    KMSInvalidStateException,
    LimitExceededException,
    MissingAuthenticationTokenException,
    NotFoundException,
    RequestEntityTooLargeException,
    RequestTimeoutException,

    /// <summary>Not JSON, or a member of another type than its shape has.</summary>
    SerializationException,
    TagException,
    ThrottlingException,
    UnknownOperationException,
    UnrecognizedClientException,
    UnsupportedOperationException,

    /// <summary>A member that is missing, or whose value is out of range.</summary>
    ValidationException,
}
