using KmsSidecar.Crypto;

namespace KmsSidecar.Vault;

/// <summary>As whom Vault is asked. Closed: what a log-in needs is a member of one of these. Owns its secrets.</summary>
internal abstract record VaultAuth : IDisposable
{
    private VaultAuth()
    {
    }

    /// <summary>As the configuration names it.</summary>
    public abstract string Method { get; }

    public abstract void Dispose();

    /// <summary>A token from the configuration. It is renewed where it can be; a new one is not to be had.</summary>
    public sealed record Token(SecretBytes Value) : VaultAuth
    {
        public override string Method => "token";

        public override void Dispose() => Value.Dispose();
    }

    /// <summary>A role id with either a secret id or a file that it is read from at each log-in.</summary>
    public sealed record AppRole(
        string RoleId, SecretBytes? SecretId = null, string? SecretIdFile = null, string Mount = "approle")
        : VaultAuth
    {
        public override string Method => "approle";

        public override void Dispose() => SecretId?.Dispose();
    }

    /// <summary>A service account's JWT, read from its file at each log-in.</summary>
    public sealed record Kubernetes(
        string Role, string JwtPath = "/var/run/secrets/kubernetes.io/serviceaccount/token", string Mount = "kubernetes")
        : VaultAuth
    {
        public override string Method => "kubernetes";

        public override void Dispose()
        {
        }
    }

    /// <summary>A token that another program, such as Vault Agent, keeps in a file, and renews.</summary>
    /// <param name="PollInterval">Between two looks at the file.</param>
    public sealed record TokenFile(string Path, TimeSpan PollInterval) : VaultAuth
    {
        public static readonly TimeSpan DefaultPollInterval = TimeSpan.FromSeconds(30);

        public override string Method => "token_file";

        public override void Dispose()
        {
        }
    }
}
