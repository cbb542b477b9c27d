using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace KmsSidecar.Auth;

/// <summary>Verifies AWS Signature Version 4, in the Authorization header or where it is allowed in the query: first the head, then the body.</summary>
/// <remarks>
/// Safe for concurrent use. The order of the checks is what a stranger can learn from the answers: syntax, scope, clock, access key,
/// signature, state of the account, body. An access key whose signatures were wrong too often is refused before its signature is judged
/// (<see cref="FailureLimits"/>). There is no defence against a replay within the clock skew other than TLS: the scheme has no
/// nonce, and two equal requests within one second carry the same signature.
/// </remarks>
internal sealed class SigV4Verifier(SigV4Options options, TimeProvider clock, ICredentialSource credentials, FailureLimits? limits = null)
{
    /// <summary>The longest body that a signed request may have, in bytes; the same as in RustFS.</summary>
    public const int MaxBodyBytes = 1024 * 1024;

    private readonly FailureLimits _limits = limits ?? new FailureLimits(clock);

    // Some hundred days, regions and services at once are more than an honest deployment has.
    private readonly SigningKeyCache _signingKeys = new(capacity: 256);
    private volatile ICredentialSource _credentials = credentials;

    /// <summary>Has later lookups use <paramref name="next"/>. The former source may be disposed at once: a lookup that it fails is made
    /// again.</summary>
    public void UseCredentials(ICredentialSource next)
    {
        _credentials = next;
        _signingKeys.Clear();
    }

    /// <summary>Checks everything that does not need the body: all but the body's hash where the head declares it, all but the signature
    /// where not.</summary>
    public bool TryBegin(
        RequestHead head, [NotNullWhen(true)] out PendingVerification? pending, [NotNullWhen(false)] out AuthFailure? failure)
    {
        pending = null;
        if (_credentials.IsEmpty)
        {
            failure = AuthFailure.NoCredentials;
            return false;
        }

        if (!SignedRequest.TryParse(head, options, clock.GetUtcNow(), out SignedRequest? request, out failure))
        {
            return false;
        }

        Caller? caller = null;
        if (request.DeclaredPayload is string payloadLine)
        {
            _ = TryVerify(request, payloadLine, out caller, out failure);
        }
        else if (!IsKnown(request))
        {
            // With any payload line: it is the work of a verification that counts here.
            _ = TryVerify(request, PayloadLine.Of([]), out _, out failure);
            failure ??= AuthFailure.UnknownAccessKey;
        }

        pending = failure is null ? new PendingVerification(this, request, caller) : null;
        return pending is not null;
    }

    /// <summary>Verifies the signature of a request whose body hashes to <paramref name="payloadLine"/>.</summary>
    internal bool TryVerify(
        SignedRequest request, string payloadLine, [NotNullWhen(true)] out Caller? caller, [NotNullWhen(false)] out AuthFailure? failure)
    {
        Span<byte> secret = stackalloc byte[SigningKey.MaxSecretBytes];
        Span<byte> signingKey = stackalloc byte[SigningKey.Bytes];
        try
        {
            CredentialLookup found = Find(request, secret);
            caller = null;
            if (found.Principal is not null && _limits.IsExhausted(request.AccessKey))
            {
                failure = AuthFailure.SlowDown;
                return false;
            }

            SigningKeyId id = new(request.AccessKey, found.SecretVersion, request.Scope);
            bool isCached = found.Principal is not null && _signingKeys.TryGet(id, signingKey);
            if (!isCached)
            {
                // For an unknown access key this is an empty secret: the same work, and a result that nothing below accepts.
                SigningKey.Derive(secret[..found.SecretBytes], request.Scope, signingKey);
            }

            bool isSigned = request.IsSignedWith(signingKey, payloadLine);
            failure = found.Principal is not null && !isSigned ? AuthFailure.WrongSignature : found.Refusal;
            if (found.Principal is not null && !isSigned)
            {
                _limits.CountWrongSignature(request.AccessKey);
            }

            if (found.Principal is null || failure is not null)
            {
                failure ??= AuthFailure.UnknownAccessKey;
                return false;
            }

            if (!isCached)
            {
                // Only now: a stranger must not be able to push out the keys of others.
                _signingKeys.Add(id, signingKey);
            }

            caller = new Caller(request.AccessKey, found.Principal, request.Scope.Service);
            return true;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
            CryptographicOperations.ZeroMemory(signingKey);
        }
    }

    private bool IsKnown(SignedRequest request)
    {
        Span<byte> secret = stackalloc byte[SigningKey.MaxSecretBytes];
        try
        {
            return Find(request, secret).Principal is not null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private CredentialLookup Find(SignedRequest request, Span<byte> secret)
    {
        while (true)
        {
            ICredentialSource source = _credentials;
            CredentialLookup found = source.Find(request.AccessKey, request.SessionToken, secret);

            // A source that was replaced and disposed meanwhile knows no key: its successor has the say.
            if (found.Principal is not null || ReferenceEquals(source, _credentials))
            {
                return found;
            }
        }
    }
}
