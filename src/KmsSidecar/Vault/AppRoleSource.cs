using KmsSidecar.Crypto;

namespace KmsSidecar.Vault;

/// <summary>Logs in with a role id and a secret id, wherever that comes from.</summary>
internal sealed class AppRoleSource(VaultAuth.AppRole role) : CredentialSource
{
    public override string Mend => $"make a secret id with: vault write -f auth/{role.Mount}/role/NAME/secret-id, and see the role id with: vault read auth/{role.Mount}/role/NAME/role-id";

    public override async ValueTask<TokenGrant> AcquireAsync(CredentialCalls calls, CancellationToken cancellation)
    {
        using SecretBytes? read = role.SecretIdFile is { } path ? SecretFile.Read("secret_id_file", path) : null;
        SecretBytes secretId = read ?? role.SecretId!;
        using SecretBuffer body = VaultJson.WriteObject("role_id", role.RoleId, "secret_id", secretId.Span);
        return await calls.LogInAsync(role.Mount, body.WrittenMemory, secretId.Memory, Mend, cancellation);
    }
}
