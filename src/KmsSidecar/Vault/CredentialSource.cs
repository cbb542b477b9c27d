using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Storage;

namespace KmsSidecar.Vault;

/// <summary>Where a token comes from, first and again. Not thread-safe.</summary>
internal abstract class CredentialSource : IDisposable
{
    /// <summary>A second token can be had, other than by a change of the configuration.</summary>
    public virtual bool CanReplace => true;

    /// <summary>The token was made for this client, by a log-in: it is revoked when the client ends, and by nobody else.</summary>
    public virtual bool IsOwn => true;

    /// <summary>Somebody else renews the token.</summary>
    public virtual bool IsKept => false;

    /// <summary>Between two looks for another token; null where none comes by itself.</summary>
    public virtual TimeSpan? PollInterval => null;

    /// <summary>What an operator does when Vault takes no token of this source.</summary>
    public abstract string Mend { get; }

    /// <summary>Another token has come by itself.</summary>
    public virtual bool HasChanged => false;

    /// <param name="settings">Outlives the source.</param>
    public static CredentialSource From(VaultSettings settings) => settings.Auth switch
    {
        VaultAuth.Token token => new TokenSource(token),
        VaultAuth.AppRole role => new AppRoleSource(role),
        VaultAuth.Kubernetes account => new KubernetesSource(account),
        VaultAuth.TokenFile file => new TokenFileSource(file),
        _ => throw new ArgumentOutOfRangeException(nameof(settings), settings.Auth.Method, "every method has a source"),
    };

    /// <exception cref="KmsException">There is none, with the mend.</exception>
    public abstract ValueTask<TokenGrant> AcquireAsync(CredentialCalls calls, CancellationToken cancellation);

    public virtual void Dispose()
    {
    }
}

internal sealed class TokenSource(VaultAuth.Token token) : CredentialSource
{
    public override bool CanReplace => false;

    public override bool IsOwn => false;

    public override string Mend => "make a token with: vault token create -policy=NAME -period=24h, and set it with reconfigure";

    public override ValueTask<TokenGrant> AcquireAsync(CredentialCalls calls, CancellationToken cancellation) =>
        new(new TokenGrant(SecretBytes.CopyOf(token.Value.Span), Life: null));
}

internal sealed class TokenFileSource(VaultAuth.TokenFile file) : CredentialSource
{
    private FileStamp? _read;

    public override bool IsOwn => false;

    public override bool IsKept => true;

    public override TimeSpan? PollInterval => file.PollInterval;

    public override string Mend => $"see to the program that keeps a token in {file.Path}";

    public override bool HasChanged => FileStamp.Of(file.Path) != _read;

    public override ValueTask<TokenGrant> AcquireAsync(CredentialCalls calls, CancellationToken cancellation)
    {
        // Before the file is read: what is written meanwhile is seen at the next look.
        _read = FileStamp.Of(file.Path);
        return new(new TokenGrant(SecretFile.Read("the token file", file.Path), Life: null));
    }
}

internal sealed class KubernetesSource(VaultAuth.Kubernetes account) : CredentialSource
{
    public override string Mend => $"see the role's bindings with: vault read auth/{account.Mount}/role/{account.Role}";

    public override async ValueTask<TokenGrant> AcquireAsync(CredentialCalls calls, CancellationToken cancellation)
    {
        // Kubelet writes it for the pod's users to read.
        using SecretBytes jwt = SecretFile.Read("jwt_path", account.JwtPath, isPublic: true);
        using SecretBuffer body = VaultJson.WriteObject("role", account.Role, "jwt", jwt.Span);
        return await calls.LogInAsync(account.Mount, body.WrittenMemory, jwt.Memory, Mend, cancellation);
    }
}
