using KmsSidecar.Errors;

namespace KmsSidecar.Vault;

/// <summary>Which Vault or OpenBao server is asked, as whom, and with how much patience. Immutable; owns the secrets of <see cref="Auth"/>.</summary>
internal sealed class VaultSettings : IDisposable
{
    /// <summary><c>https</c> or <c>http</c>, with a path where Vault stands behind a proxy's.</summary>
    public required Uri Address { get; init; }

    public required VaultAuth Auth { get; init; }

    /// <summary>Sent with every request, log-ins too; null for the root namespace.</summary>
    public string? Namespace { get; init; }

    public VaultTls Tls { get; init; } = new();

    /// <summary>For one attempt.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a call is sent that may be repeated; at least 1.</summary>
    public int Attempts { get; init; } = 3;

    /// <summary>A token with less time than this is not used any more: no call may outlive it. Never more than a quarter of the life that the token
    /// was given, or a short one would never be used. Null for one <see cref="Timeout"/>.</summary>
    public TimeSpan? SafetyWindow { get; init; }

    /// <summary>How long the breaker stays open.</summary>
    public TimeSpan CircuitPeriod { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For people: the address, and the namespace where there is one.</summary>
    public string Name => Namespace is null ? AddressText : $"{AddressText} (namespace {Namespace})";

    /// <summary>Without a slash at its end.</summary>
    public string AddressText => Address.GetLeftPart(UriPartial.Path).TrimEnd('/');

    /// <exception cref="KmsException">InvalidConfiguration: what could not be sent, or would not be what was meant.</exception>
    public void Check()
    {
        Require(Address.IsAbsoluteUri && Address.Scheme is "http" or "https", "address must begin with https:// or http://");
        Require(Address is { UserInfo: "", Query: "", Fragment: "" }, "address must have no user, no query and no fragment");
        Require(Namespace is null || IsPlain(Namespace), "namespace must be printable ASCII without spaces");
        Require(Timeout > TimeSpan.Zero && Attempts >= 1, "timeout and attempts must be positive");
        Require(SafetyWindow is null || SafetyWindow >= TimeSpan.Zero, "refresh_safety_window_secs must not be negative");
        Require(
            Tls.ClientCertPath is null == Tls.ClientKeyPath is null, "client_cert_path and client_key_path go together: set both or neither");
        switch (Auth)
        {
            case VaultAuth.AppRole role:
                Require(role.SecretId is null != role.SecretIdFile is null, "approle needs either secret_id or secret_id_file");
                Require(role.RoleId.Length > 0, "approle needs role_id");
                Require(IsMount(role.Mount), "mount of approle must be a path such as approle, without a slash at its ends");
                break;
            case VaultAuth.Kubernetes account:
                Require(account.Role.Length > 0, "kubernetes needs role");
                Require(IsMount(account.Mount), "mount of kubernetes must be a path such as kubernetes, without a slash at its ends");
                break;
            case VaultAuth.TokenFile file:
                Require(file.PollInterval > TimeSpan.Zero, "poll_interval_secs must be positive");
                break;
            default:
                break;
        }
    }

    public void Dispose() => Auth.Dispose();

    private static bool IsPlain(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExceptInRange('!', '~');

    /// <summary>Goes into a path as it is.</summary>
    private static bool IsMount(string mount) =>
        IsPlain(mount) && mount[0] != '/' && mount[^1] != '/' && !mount.AsSpan().ContainsAny("?#%\\") && !mount.Split('/').Any(static part => part is "" or "." or "..");

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new KmsException(KmsError.InvalidConfiguration, otherwise);
        }
    }
}
