namespace KmsSidecar.Errors;

/// <summary>What each error is on the wire: the one table from <see cref="KmsError"/> to HTTP.</summary>
internal static class KmsErrors
{
    /// <summary>Seconds a client is asked to wait before it tries again.</summary>
    public const int RetryAfterSeconds = 2;

    /// <param name="Status">HTTP status.</param>
    /// <param name="Retryable">The same request may succeed later: the answer carries <c>Retry-After</c>.</param>
    /// <param name="Sentence">What the caller is told when the thrower has nothing more precise to say.</param>
    public readonly record struct Row(int Status, bool Retryable, string Sentence);

    public static Row Describe(KmsError error) => error switch
    {
        KmsError.None => new(200, false, ""),
        KmsError.MalformedRequest => new(400, false, "the request is malformed"),
        KmsError.RequestTooLarge => new(413, false, "the request body is too large"),
        KmsError.RequestTimeout => new(408, false, "the request did not arrive in time"),
        KmsError.Forbidden => new(403, false, "access denied"),
        KmsError.UnknownRoute => new(404, false, "there is no such route"),
        KmsError.MethodNotAllowed => new(405, false, "this route does not take that method"),
        KmsError.UnknownOperation => new(400, false, "there is no such operation here"),
        KmsError.InvalidConfiguration => new(400, false, "the configuration cannot be used"),
        KmsError.InvalidKeyId => new(400, false, "the key id is not legal: 1 to 128 of A-Z a-z 0-9 . _ - and not a dot first"),
        KmsError.KeyNotFound => new(404, false, "key not found"),
        KmsError.UserNotFound => new(404, false, "there is no such user"),
        KmsError.UserExists => new(409, false, "this access key is taken"),
        KmsError.PolicyNotFound => new(404, false, "there is no such policy"),
        KmsError.PolicyInUse => new(409, false, "the policy is attached to a user"),
        KmsError.NotChangeableHere => new(409, false, "this cannot be changed through the API"),
        KmsError.KeyExists => new(409, false, "a key with this id already exists"),
        KmsError.KeyDisabled => new(409, false, "the key is disabled"),
        KmsError.KeyPendingDeletion => new(409, false, "the key is pending deletion"),
        KmsError.KeyNotPendingDeletion => new(409, false, "the key is not pending deletion"),
        KmsError.KeyStillReferenced => new(409, false, "the key is still in use by the configuration"),
        KmsError.ImmediateDeletionRefused => new(400, false, "immediate deletion is refused"),
        KmsError.KeyDamaged => new(500, false, "the key cannot be used: its record is damaged; see the log and /kms/status"),
        KmsError.InvalidCiphertext => new(400, false, "the ciphertext cannot be opened"),
        KmsError.WrongState => new(409, false, "not possible in the present state of the service"),
        KmsError.NotRunning => new(503, true, "kms service is not running"),
        KmsError.Unsupported => new(501, false, "the backend does not support this operation"),
        KmsError.BackendRejected => new(502, false, "the backend refused the request"),
        KmsError.BackendUnavailable => new(503, true, "the backend cannot be reached"),
        KmsError.BackendTimeout => new(504, true, "the backend did not answer in time"),
        KmsError.StorageFailed => new(500, false, "the node's storage refused the write; see the log"),
        KmsError.AuditUnavailable => new(503, true, "the audit log cannot be written, and this node answers nothing that is not recorded; see the log"),
        KmsError.Internal => new(500, false, "internal error; see the log"),
        _ => throw new ArgumentOutOfRangeException(nameof(error), error, "every error has a row"),
    };
}
