using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;
using KmsSidecar.Doubles.Tokens;

namespace KmsSidecar.Doubles.Auth;

/// <summary>An AppRole mount.</summary>
internal sealed class AppRoleMethod(VaultCore core, string @namespace, string mountPath) : IEngine
{
    private readonly Dictionary<string, AppRole> _roles = new(StringComparer.Ordinal);

    public bool IsOpen(string path) => path == "login";

    public bool? Exists(string path) => path.Split('/') is ["role", var name] ? _roles.ContainsKey(name) : null;

    public Answer Handle(Call call, string path) => (path.TrimEnd('/').Split('/'), call.Operation) switch
    {
        (["login"], Operation.Create) => LogIn(call),
        (["role"], Operation.List) => Answer.Data(new JsonObject { ["keys"] = new JsonArray([.. _roles.Keys.Select(static name => JsonValue.Create(name))]) }),
        (["role", var name], Operation.Create or Operation.Update) => SetRole(call, name),
        (["role", var name], Operation.Delete) => RemoveRole(name),
        (["role", var name, "role-id"], Operation.Read) => Answer.Data(new JsonObject { ["role_id"] = Role(name).RoleId }),
        (["role", var name, "role-id"], Operation.Update) => SetRoleId(call, name),
        (["role", var name, "secret-id"], Operation.Update) => AddSecret(call, name, Guid.NewGuid().ToString()),
        (["role", var name, "custom-secret-id"], Operation.Update) => AddSecret(call, name, call.Text("secret_id") ?? throw new VaultFailure(400, "missing secret_id")),
        (["role", var name, "secret-id", "destroy"], Operation.Update) => DestroySecret(call, name),
        _ => throw VaultFailure.UnsupportedPath(),
    };

    private AppRole Role(string name) => _roles.GetValueOrDefault(name) ?? throw VaultFailure.NotFound();

    private Answer LogIn(Call call)
    {
        string roleId = call.Text("role_id") ?? throw new VaultFailure(400, "missing role_id");
        (string name, AppRole? role) = _roles.FirstOrDefault(role => role.Value.RoleId == roleId);
        if (role is null)
        {
            throw new VaultFailure(400, "invalid role or secret ID");
        }

        string secretId = call.Text("secret_id") ?? throw new VaultFailure(400, "missing secret_id");
        DateTimeOffset now = core.Clock.GetUtcNow();
        if (!role.TryUse(secretId, now))
        {
            throw new VaultFailure(400, "invalid role or secret ID");
        }

        Token token = core.Tokens.Create(new TokenRequest(role.Tokens.Policies)
        {
            Namespace = @namespace,
            DisplayName = mountPath.Trim('/')["auth/".Length..],
            EntityId = role.Tokens.EntityId,
            Path = $"{mountPath}login",
            Metadata = new JsonObject { ["role_name"] = name },
            Ttl = role.Tokens.Ttl,
            MaxTtl = role.Tokens.MaxTtl,
            Uses = role.Tokens.Uses,
        });
        return Answer.Auth(token.DescribeAuth(now));
    }

    private Answer SetRole(Call call, string name)
    {
        if (!_roles.TryGetValue(name, out AppRole? role))
        {
            _roles.Add(name, role = new AppRole());
        }

        role.Set(call);
        return Answer.Empty;
    }

    private Answer RemoveRole(string name)
    {
        _roles.Remove(name);
        return Answer.Empty;
    }

    private Answer SetRoleId(Call call, string name)
    {
        Role(name).RoleId = call.Text("role_id") ?? throw new VaultFailure(400, "missing role_id");
        return Answer.Empty;
    }

    private Answer AddSecret(Call call, string name, string id)
    {
        AppRole role = Role(name);
        int uses = (int?)call.Number("num_uses") ?? role.SecretUses;
        TimeSpan ttl = call.Duration("ttl") ?? role.SecretTtl;
        return Answer.Data(new JsonObject
        {
            ["secret_id"] = id,
            ["secret_id_accessor"] = role.AddSecret(id, uses, ttl, core.Clock.GetUtcNow()),
            ["secret_id_num_uses"] = uses,
            ["secret_id_ttl"] = (long)ttl.TotalSeconds,
        });
    }

    private Answer DestroySecret(Call call, string name)
    {
        Role(name).Destroy(call.Text("secret_id") ?? "");
        return Answer.Empty;
    }
}
