using System.Security.Cryptography;
using KmsSidecar.Access.Policies;
using KmsSidecar.Access.Users;
using KmsSidecar.Auth;
using KmsSidecar.Errors;
using KmsSidecar.Observability;

namespace KmsSidecar.Access.Sessions;

/// <summary>Starts sessions of users. Nothing about a session is stored: its token says it all.</summary>
internal sealed partial class SessionIssuer(Accounts accounts, SessionKeys keys, TimeProvider clock, ILogger log)
{
    public const int MinSeconds = 900;
    public const int MaxSeconds = 43_200;
    public const int DefaultSeconds = 3600;

    /// <summary>The longest session policy in bytes, as in RustFS.</summary>
    public const int MaxPolicyBytes = 2048;

    /// <param name="caller">The root credentials or a user; not a session.</param>
    /// <param name="policy">A policy that must allow as well; null for none.</param>
    /// <param name="from">Where the caller is, for the log.</param>
    /// <exception cref="KmsException">Forbidden: a session cannot start another, which would outlast it. MalformedRequest: the policy cannot
    /// be used.</exception>
    public SessionClaims Issue(Principal caller, TimeSpan duration, ReadOnlyMemory<byte> policy, string from)
    {
        if (caller is SessionPrincipal)
        {
            throw new KmsException(KmsError.Forbidden, "a session cannot start another session; sign with a permanent access key");
        }

        if (!policy.IsEmpty)
        {
            _ = PolicyDocument.Parse(policy.Span);
        }

        DateTimeOffset now = clock.GetUtcNow();
        SessionClaims claims = new(SessionKeys.NewAccessKey(), caller.Name, Bind(caller), now, now + duration, policy);
        Log.Issued(log, claims.AccessKey, caller.Name, claims.ExpiresAt, from);
        return claims;
    }

    private byte[] Bind(Principal caller)
    {
        Span<byte> secret = stackalloc byte[SigningKey.MaxSecretBytes];
        try
        {
            CredentialLookup found = accounts.Find(caller.Name, sessionToken: null, secret);
            return found is { Principal: not null, Refusal: null }
                ? keys.BindingOf(secret[..found.SecretBytes])
                : throw new KmsException(KmsError.Forbidden, "the user is gone or disabled");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventIds.SessionIssued, LogLevel.Information, "session {AccessKey} of {Parent} issued until {ExpiresAt:O}, to {From}")]
        public static partial void Issued(ILogger log, string accessKey, string parent, DateTimeOffset expiresAt, string from);
    }
}
