using System.Security.Cryptography;
using KmsSidecar.Access.Policies;
using KmsSidecar.Access.Sessions;
using KmsSidecar.Auth;

namespace KmsSidecar.Access.Users;

/// <summary>Everybody who may sign a request: the root credentials, users, and their sessions; and what each of them may do.</summary>
/// <remarks>
/// Safe for concurrent use; readers take no lock. What it knows is replaced as a whole (<see cref="Publish"/>), and secrets that are gone
/// are then wiped: a reader who meets one looks again.
/// </remarks>
internal sealed class Accounts : ICredentialSource, IGrantSource, IDisposable
{
    /// <summary>Versions of permanent secrets are above 0; a session's secret is told by its access key alone.</summary>
    private const long SessionSecretVersion = 0;

    /// <summary>The rights of the root credentials as far as policies go, and so without the management of users.</summary>
    private static readonly PolicyDocument EveryAction = PolicyDocument.Parse(
        """{"Statement":[{"Effect":"Allow","Action":"kms:*"},{"Effect":"Allow","Action":"admin:*"}]}"""u8);

    private readonly SessionKeys _sessions;
    private readonly TimeProvider _clock;
    private volatile State _state;

    /// <param name="root">This object's from now on, as is whatever takes its place.</param>
    /// <param name="sessions">Stays the caller's, and outlives this object.</param>
    public Accounts(ICredentialSource root, AccountSet set, SessionKeys sessions, TimeProvider clock)
    {
        _sessions = sessions;
        _clock = clock;
        _state = new State(root, set);
    }

    /// <summary>Raised after each change, on the thread that made it.</summary>
    public event Action? Changed;

    public bool IsEmpty => _state is { Root.IsEmpty: true, Set.Users.Count: 0 };

    public ICredentialSource Root => _state.Root;

    public AccountSet Set => _state.Set;

    /// <summary>Whether this is the access key of the root credentials.</summary>
    public static bool IsRoot(ICredentialSource root, string accessKey)
    {
        Span<byte> secret = stackalloc byte[SigningKey.MaxSecretBytes];
        try
        {
            return root.Find(accessKey, sessionToken: null, secret).Principal is not null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>Puts all of this in the place of all that was, at once. One caller at a time.</summary>
    public void Publish(ICredentialSource root, AccountSet set)
    {
        State former = _state;
        _state = new State(root, set);
        Changed?.Invoke();
        HashSet<SecretKey> kept = [.. set.Users.Values.Select(static user => user.Secret)];
        foreach (UserAccount user in former.Set.Users.Values.Where(user => !kept.Contains(user.Secret)))
        {
            user.Secret.Dispose();
        }

        if (!ReferenceEquals(former.Root, root))
        {
            (former.Root as IDisposable)?.Dispose();
        }
    }

    public CredentialLookup Find(string accessKey, string? sessionToken, Span<byte> secret)
    {
        while (true)
        {
            State state = _state;
            CredentialLookup found = FindIn(state, accessKey, sessionToken, secret);
            if (found.Principal is not null || ReferenceEquals(state, _state))
            {
                return found;
            }
        }
    }

    public Grants GrantsOf(Principal caller)
    {
        State state = _state;
        if (caller is not SessionPrincipal session)
        {
            return caller.IsOwner ? Grants.Owner : state.Set.Users.TryGetValue(caller.Name, out UserAccount? user) ? state.Set.GrantsOf(user) : Grants.None;
        }

        return state.Set.Users.TryGetValue(session.Name, out UserAccount? parent) ? state.Set.GrantsOf(parent) with { SessionPolicy = session.Policy }
            : IsRoot(state.Root, session.Name) ? Grants.Owner with { SessionPolicy = session.Policy ?? EveryAction }
            : Grants.None;
    }

    public Grants? FindGrants(string userName)
    {
        State state = _state;
        return state.Set.Users.TryGetValue(userName, out UserAccount? user) ? state.Set.GrantsOf(user)
            : IsRoot(state.Root, userName) ? Grants.Owner
            : null;
    }

    public void Dispose() => Publish(new NoCredentials(), AccountSet.Empty);

    private CredentialLookup FindIn(State state, string accessKey, string? sessionToken, Span<byte> secret)
    {
        if (SessionKeys.IsTemporary(accessKey))
        {
            return FindSession(state, accessKey, sessionToken, secret);
        }

        if (!state.Set.Users.TryGetValue(accessKey, out UserAccount? user))
        {
            return state.Root.Find(accessKey, sessionToken, secret);
        }

        AuthFailure? refusal = sessionToken is not null ? AuthFailure.UnexpectedToken : user.IsEnabled ? null : AuthFailure.UserDisabled;
        return user.Secret.CopyTo(secret) is > 0 and int length
            ? new CredentialLookup(user.Principal, length, user.Secret.Version, refusal)
            : CredentialLookup.Unknown;
    }

    /// <summary>First the seal, which needs no proof; the time and the user's state are told to who holds the session's secret.</summary>
    private CredentialLookup FindSession(State state, string accessKey, string? token, Span<byte> secret)
    {
        if (token is null)
        {
            return CredentialLookup.Unknown with { Refusal = AuthFailure.TokenRequired };
        }

        if (!_sessions.TryOpen(token, out SessionClaims? claims) || claims.AccessKey != accessKey)
        {
            return CredentialLookup.Unknown with { Refusal = AuthFailure.InvalidSessionToken };
        }

        AuthFailure? refusal = claims.ExpiresAt <= _clock.GetUtcNow() ? AuthFailure.ExpiredToken
            : IsAlive(state, claims, secret) ? null
            : AuthFailure.EndedSession;
        _sessions.WriteSecret(accessKey, secret);
        PolicyDocument? policy = claims.Policy.IsEmpty ? null : PolicyDocument.Parse(claims.Policy.Span);
        return new CredentialLookup(new SessionPrincipal(claims.Parent, policy), SessionKeys.SecretChars, SessionSecretVersion, refusal);
    }

    /// <summary>The user is there, enabled, and has the secret under which the session was made.</summary>
    /// <param name="scratch">Room for the user's secret.</param>
    private bool IsAlive(State state, SessionClaims claims, Span<byte> scratch)
    {
        CredentialLookup parent = FindIn(state, claims.Parent, sessionToken: null, scratch);
        bool isAlive = parent is { Principal: not null, Refusal: null }
            && CryptographicOperations.FixedTimeEquals(_sessions.BindingOf(scratch[..parent.SecretBytes]), claims.ParentBinding.Span);
        CryptographicOperations.ZeroMemory(scratch);
        return isAlive;
    }

    private sealed record State(ICredentialSource Root, AccountSet Set);
}
