using System.Text;
using KmsSidecar.Crypto;
using KmsSidecar.Json;

namespace KmsSidecar.Configuration;

/// <summary>The members of one method while they are read.</summary>
internal sealed class AuthMethodMembers
{
    private const string ServiceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";

    private string? _role;
    private string? _mount;
    private string? _file;
    private bool _isWrapped;
    private long? _pollSeconds;
    private long? _safetyWindowSeconds;

    /// <summary>Whoever reads owns it until <see cref="ToMethod"/> has succeeded.</summary>
    public SecretBytes? Secret { get; set; }

    public static AuthMethodMembers Read(ref StrictObject members, AuthMethodKind kind)
    {
        AuthMethodMembers read = new();
        try
        {
            while (members.Next())
            {
                read.Take(ref members, kind);
            }

            return read;
        }
        catch
        {
            read.Secret?.Dispose();
            throw;
        }
    }

    /// <returns>Null for a blank token.</returns>
    public AuthMethod? ToMethod(ref StrictObject method, AuthMethodKind kind)
    {
        string? fault = kind switch
        {
            AuthMethodKind.Token when Secret is null => "'token' is missing",
            AuthMethodKind.AppRole when _role is null => "'role_id' is missing",
            AuthMethodKind.AppRole when Secret is null && _file is null =>
                "'secret_id', 'secret_id_file' or 'wrapping_token' is missing: vault write -f auth/approle/role/NAME/secret-id makes one",
            AuthMethodKind.AppRole when Secret is not null && _file is not null => "'secret_id_file' and another secret exclude each other",
            AuthMethodKind.Kubernetes when _role is null => "'role' is missing",
            AuthMethodKind.TokenFile when _file is null => "'path' is missing",
            _ when _file is not null && !Path.IsPathFullyQualified(_file) => "the path of the file must be absolute",
            _ when _mount is not null && !PathText.IsMount(_mount) => "'mount' is a path like approle or teams/storage, without a slash at its ends",
            _ => null,
        };
        if (fault is not null)
        {
            throw method.RefuseAll(fault);
        }

        if (kind == AuthMethodKind.Token && Secret!.Span[Ascii.Trim(Secret.Span)].IsEmpty)
        {
            Secret!.Dispose();
            return null;
        }

        return new AuthMethod
        {
            Kind = kind,
            Role = _role,
            Mount = _mount ?? kind switch
            {
                AuthMethodKind.AppRole => "approle",
                AuthMethodKind.Kubernetes => "kubernetes",
                _ => null,
            },
            File = _file ?? (kind == AuthMethodKind.Kubernetes ? ServiceAccountToken : null),
            Secret = Secret,
            IsWrapped = _isWrapped,
            PollSeconds = _pollSeconds,
            SafetyWindowSeconds = _safetyWindowSeconds,
        };
    }

    private void Take(ref StrictObject members, AuthMethodKind kind)
    {
        switch (kind, members.Name)
        {
            case (AuthMethodKind.Token, "token"):
                Secret = AuthMethod.ReadSecret(ref members);
                break;
            case (AuthMethodKind.AppRole, "role_id") or (AuthMethodKind.Kubernetes, "role"):
                _role = AuthMethod.ReadText(ref members);
                break;
            case (AuthMethodKind.AppRole, "secret_id" or "wrapping_token"):
                TakeSecretId(ref members);
                break;
            case (AuthMethodKind.AppRole, "secret_id_file") or (AuthMethodKind.Kubernetes, "jwt_path") or (AuthMethodKind.TokenFile, "path"):
                _file = AuthMethod.ReadText(ref members);
                break;
            case (AuthMethodKind.AppRole or AuthMethodKind.Kubernetes, "mount"):
                _mount = AuthMethod.ReadText(ref members);
                break;
            case (AuthMethodKind.TokenFile, "poll_interval_secs"):
                _pollSeconds = Seconds(ref members);
                break;
            case (not AuthMethodKind.Token, "refresh_safety_window_secs"):
                _safetyWindowSeconds = Seconds(ref members);
                break;
            default:
                throw members.Unknown();
        }
    }

    /// <summary>RustFS writes an empty secret id beside a file.</summary>
    private void TakeSecretId(ref StrictObject members)
    {
        SecretBytes secret = AuthMethod.ReadSecret(ref members);
        if (secret.Length == 0)
        {
            return;
        }

        if (Secret is not null)
        {
            secret.Dispose();
            throw members.Refuse("is given beside another secret: secret_id and wrapping_token exclude each other");
        }

        Secret = secret;
        _isWrapped = members.Name == "wrapping_token";
    }

    private static long? Seconds(ref StrictObject members) => members.IsNull ? null : members.Number(1, AuthMethod.MaxSeconds);
}
