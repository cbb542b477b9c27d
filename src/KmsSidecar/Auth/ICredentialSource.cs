namespace KmsSidecar.Auth;

/// <summary>The access keys that the verifier knows. Implementations are safe for concurrent use.</summary>
internal interface ICredentialSource
{
    /// <summary>No request can be accepted, because there is no access key at all.</summary>
    bool IsEmpty { get; }

    /// <summary>Looks up an access key and copies its secret key.</summary>
    /// <param name="accessKey">As the request names it; nothing is known about its alphabet or length.</param>
    /// <param name="sessionToken">The value of <c>x-amz-security-token</c>, or null.</param>
    /// <param name="secret"><see cref="SigningKey.MaxSecretBytes"/> bytes; the caller wipes them. A copy, so that a source can wipe its own
    /// at any time.</param>
    CredentialLookup Find(string accessKey, string? sessionToken, Span<byte> secret);
}

/// <summary>The answer to a lookup.</summary>
/// <remarks>The two refusals differ in when they are told: one without a principal after as much work as a wrong signature takes, one
/// beside a principal only to a caller who has proved that they hold the secret, so that the state of an account is no business of a
/// stranger.</remarks>
/// <param name="Principal">Whom the key belongs to; null when there is no secret to verify with.</param>
/// <param name="SecretBytes">How many bytes of the secret were written.</param>
/// <param name="SecretVersion">Differs between any two secrets of this process; keys of the signing key cache carry it.</param>
/// <param name="Refusal">Why the key may not be used; never null without a principal.</param>
internal readonly record struct CredentialLookup(Principal? Principal, int SecretBytes, long SecretVersion, AuthFailure? Refusal)
{
    public static CredentialLookup Unknown { get; } = new(null, 0, 0, AuthFailure.UnknownAccessKey);
}
