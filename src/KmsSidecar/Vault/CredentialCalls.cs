using KmsSidecar.Crypto;
using KmsSidecar.Errors;

namespace KmsSidecar.Vault;

internal enum TokenState
{
    Alive,
    Dead,

    /// <summary>Vault could not be asked, or did not answer as Vault does.</summary>
    Unknown,
}

/// <param name="Life">Where it is alive; without an end where its policies do not let it look itself up.</param>
/// <param name="Failure">Where it is not.</param>
internal sealed record TokenLookup(TokenState State, TokenLife? Life, KmsException? Failure);

/// <summary>A token as a log-in gives it.</summary>
/// <param name="Token">The receiver's.</param>
/// <param name="Life">Null when it has to be looked up.</param>
internal sealed record TokenGrant(SecretBytes Token, TokenLife? Life);

/// <summary>The calls by which tokens are had, kept and given up. Failures are thrown, with the mend.</summary>
/// <param name="server">As <see cref="IVault.Name"/>.</param>
internal sealed class CredentialCalls(string server, VaultPipeline pipeline, TimeProvider clock)
{
    /// <param name="body">Of the log-in; the caller's to wipe.</param>
    /// <param name="secret">What is secret in it.</param>
    /// <param name="refused">What it means that Vault refuses, and the mend.</param>
    /// <exception cref="KmsException">BackendRejected, BackendUnavailable, BackendTimeout.</exception>
    public async ValueTask<TokenGrant> LogInAsync(
        string mount, ReadOnlyMemory<byte> body, ReadOnlyMemory<byte> secret, string refused, CancellationToken cancellation)
    {
        long since = clock.GetTimestamp();
        VaultCall call = new("login", HttpMethod.Post, $"auth/{mount}/login", VaultRepeat.Safe, body, secret);
        using VaultAnswer answer = await pipeline.SendAsync(call, token: null, cancellation);
        switch (answer.Fault)
        {
            case VaultFault.None:
                TokenLife life = ReadLife(call, answer, since, granted: null);
                return new TokenGrant(
                    Parse(call, answer, static json => VaultJson.ReadSecret(json, "auth"u8, "client_token"u8, VaultToken.MaxBytes))
                        ?? throw VaultJson.NotVaults(server, call),
                    life);
            case VaultFault.CredentialsRefused or VaultFault.PolicyDenied or VaultFault.NotFound:
                // An auth method that is not there is not told from a token that is not.
                throw new KmsException(KmsError.BackendRejected, $"Vault at {server} has no log-in at auth/{mount}; see: vault auth list");
            case VaultFault.Rejected:
                throw new KmsException(KmsError.BackendRejected, $"Vault at {server} refuses the log-in at auth/{mount} ({answer.Reason}): {refused}");
            default:
                throw answer.ToException();
        }
    }

    /// <summary>Whether a token is alive, and how long. What is not known is in the answer, not thrown.</summary>
    public async ValueTask<TokenLookup> LookUpAsync(VaultToken token, CancellationToken cancellation)
    {
        long since = clock.GetTimestamp();
        VaultCall call = new("lookup-self", HttpMethod.Get, "auth/token/lookup-self", VaultRepeat.Safe);
        using VaultAnswer answer = await pipeline.SendAsync(call, token, cancellation);
        switch (answer.Fault)
        {
            case VaultFault.None:
                return ReadLookup(call, answer, since);
            case VaultFault.PolicyDenied:
                return new TokenLookup(TokenState.Alive, new TokenLife(since, Ttl: null, Granted: null, IsRenewable: false), Failure: null);
            case VaultFault.CredentialsRefused:
                return new TokenLookup(TokenState.Dead, Life: null, new KmsException(KmsError.BackendRejected, answer.Sentence));
            default:
                return new TokenLookup(TokenState.Unknown, Life: null, answer.ToException());
        }
    }

    /// <returns>Its life from now on.</returns>
    /// <exception cref="KmsException">It was not renewed; BackendRejected where the server has refused to.</exception>
    public async ValueTask<TokenLife> RenewAsync(VaultToken token, CancellationToken cancellation)
    {
        long since = clock.GetTimestamp();
        VaultCall call = new("renew-self", HttpMethod.Post, "auth/token/renew-self", VaultRepeat.Safe, "{}"u8.ToArray());
        using VaultAnswer answer = await pipeline.SendAsync(call, token, cancellation);
        return answer.Fault switch
        {
            VaultFault.None => ReadLife(call, answer, since, token.Life.Granted),
            VaultFault.Rejected or VaultFault.PolicyDenied or VaultFault.CredentialsRefused => throw new KmsException(KmsError.BackendRejected, answer.Sentence),
            _ => throw answer.ToException(),
        };
    }

    /// <summary>What a wrapping token wraps: once, for whoever comes first.</summary>
    /// <param name="wrapping">The caller's.</param>
    /// <param name="roleMount">Of the AppRole that the secret id is for.</param>
    /// <returns>The secret id; the caller's.</returns>
    /// <exception cref="KmsException">It was not had.</exception>
    public async ValueTask<SecretBytes> UnwrapAsync(SecretBytes wrapping, string roleMount, CancellationToken cancellation)
    {
        VaultToken token = new(SecretBytes.CopyOf(wrapping.Span), generation: 0, new TokenLife(clock.GetTimestamp(), Ttl: null, Granted: null, IsRenewable: false));
        try
        {
            VaultCall call = new("unwrap", HttpMethod.Post, "sys/wrapping/unwrap", VaultRepeat.Never);
            using VaultAnswer answer = await pipeline.SendAsync(call, token, cancellation);
            return answer.Fault switch
            {
                VaultFault.None => Parse(call, answer, static json => VaultJson.ReadSecret(json, "data"u8, "secret_id"u8, SecretFile.MaxBytes))
                    ?? throw new KmsException(KmsError.BackendRejected, $"the wrapping token for Vault at {server} wraps something else than a secret id"),
                VaultFault.Rejected or VaultFault.CredentialsRefused or VaultFault.PolicyDenied => throw new KmsException(
                    KmsError.BackendRejected,
                    "the wrapping token has expired or has been used already, and if not by this daemon, somebody else may have the secret id: "
                    + $"destroy it, and wrap another with: vault write -wrap-ttl=5m -f auth/{roleMount}/role/NAME/secret-id"),
                _ => throw answer.ToException(),
            };
        }
        finally
        {
            token.Release();
        }
    }

    /// <exception cref="KmsException">It was not revoked.</exception>
    public async ValueTask RevokeAsync(VaultToken token, CancellationToken cancellation)
    {
        VaultCall call = new("revoke-self", HttpMethod.Post, "auth/token/revoke-self", VaultRepeat.Never);
        using VaultAnswer answer = await pipeline.SendAsync(call, token, cancellation, attempts: 1);
        if (answer.Fault != VaultFault.None)
        {
            throw answer.ToException();
        }
    }

    /// <param name="granted">What it had when it was made; null for now.</param>
    private TokenLife ReadLife(VaultCall call, VaultAnswer answer, long since, TimeSpan? granted) => Parse(call, answer, json =>
    {
        TimeSpan ttl = VaultJson.ReadSeconds(json, "auth"u8, "lease_duration"u8);
        return ttl == TimeSpan.Zero
            ? new TokenLife(since, Ttl: null, Granted: null, IsRenewable: false)
            : new TokenLife(since, ttl, granted ?? ttl, VaultJson.ReadBoolean(json, "auth"u8, "renewable"u8));
    });

    private TokenLookup ReadLookup(VaultCall call, VaultAnswer answer, long since)
    {
        try
        {
            return new TokenLookup(TokenState.Alive, Parse(call, answer, json => ReadData(json, since)), Failure: null);
        }
        catch (KmsException notVaults)
        {
            return new TokenLookup(TokenState.Unknown, Life: null, notVaults);
        }
    }

    private static TokenLife ReadData(ReadOnlySpan<byte> json, long since)
    {
        TimeSpan ttl = VaultJson.ReadSeconds(json, "data"u8, "ttl"u8);
        TimeSpan created = VaultJson.ReadSeconds(json, "data"u8, "creation_ttl"u8);
        return ttl == TimeSpan.Zero && created == TimeSpan.Zero
            ? new TokenLife(since, Ttl: null, Granted: null, IsRenewable: false)
            : new TokenLife(since, ttl, created > ttl ? created : ttl, VaultJson.ReadBoolean(json, "data"u8, "renewable"u8));
    }

    private T Parse<T>(VaultCall call, VaultAnswer answer, JsonMember<T> read) => VaultJson.Read(server, call, answer, read);
}
