namespace KmsSidecar.Errors;

/// <summary>Why an operation failed. Closed: every member has a row in <see cref="KmsErrors"/>, which is all that a caller learns.</summary>
internal enum KmsError
{
    None,

    /// <summary>Not JSON, an unknown or repeated member, a wrong type, a value out of range.</summary>
    MalformedRequest,
    RequestTooLarge,

    /// <summary>Header or body did not arrive within the route's time.</summary>
    RequestTimeout,
    Forbidden,
    UnknownRoute,
    MethodNotAllowed,

    /// <summary>Of the AWS KMS API, there is no such operation here.</summary>
    UnknownOperation,

    /// <summary>The configuration is well-formed, but cannot be served.</summary>
    InvalidConfiguration,
    InvalidKeyId,
    KeyNotFound,
    UserNotFound,

    /// <summary>The access key is another user's, or that of the root credentials.</summary>
    UserExists,
    PolicyNotFound,

    /// <summary>A user has it attached, so it cannot go.</summary>
    PolicyInUse,

    /// <summary>It stands in a file that an operator writes, or is built in; it is changed there or not at all.</summary>
    NotChangeableHere,
    KeyExists,
    KeyDisabled,
    KeyPendingDeletion,
    KeyNotPendingDeletion,

    /// <summary>The configuration in effect names the key, so it cannot be destroyed.</summary>
    KeyStillReferenced,

    /// <summary>A key is destroyed at once only where the node allows it and the caller repeats the key's id.</summary>
    ImmediateDeletionRefused,

    /// <summary>The key's own record or material cannot be used; other keys are not affected.</summary>
    KeyDamaged,

    /// <summary>The envelope does not open. One answer for every reason, so that the caller learns nothing from it.</summary>
    InvalidCiphertext,

    /// <summary>The operation is not allowed in the present state of the service.</summary>
    WrongState,
    NotRunning,

    /// <summary>The backend cannot do this, today or ever.</summary>
    Unsupported,
    BackendRejected,
    BackendUnavailable,
    BackendTimeout,

    /// <summary>The node's own disk refused: full, read-only, no permission.</summary>
    StorageFailed,

    /// <summary>The audit log cannot be written, and the node does nothing that is not recorded.</summary>
    AuditUnavailable,
    Internal,
}
