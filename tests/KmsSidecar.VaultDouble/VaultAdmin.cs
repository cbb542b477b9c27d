using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles;

/// <summary>What an operator does with the root token. Everything that the server refuses is an exception with its sentence.</summary>
internal sealed class VaultAdmin(VaultCore core, string rootToken)
{
    /// <summary>Where all of it happens: empty for the root.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>Works even while the server is sealed.</summary>
    public bool IsSealed
    {
        get => core.IsSealed;
        set => core.IsSealed = value;
    }

    /// <summary>The same in a namespace, which is made if it is not there.</summary>
    public VaultAdmin In(string path)
    {
        Send(Operation.Create, $"sys/namespaces/{path}");
        return new VaultAdmin(core, rootToken) { Namespace = path };
    }

    public void EnableTransit(string mount = "transit") => Send(Operation.Create, $"sys/mounts/{mount}", new JsonObject { ["type"] = "transit" });

    public void EnableKv(string mount = "secret", int version = 2) => Send(
        Operation.Create,
        $"sys/mounts/{mount}",
        new JsonObject { ["type"] = "kv", ["options"] = new JsonObject { ["version"] = $"{version}" } });

    public void Unmount(string mount) => Send(Operation.Delete, $"sys/mounts/{mount}");

    /// <param name="hcl"><c>path "x" { capabilities = ["read"] }</c>, any number of times.</param>
    public void WritePolicy(string name, string hcl) => Send(Operation.Create, $"sys/policies/acl/{name}", new JsonObject { ["policy"] = hcl });

    public void CreateTransitKey(string name, string type = "aes256-gcm96", string mount = "transit") =>
        Send(Operation.Create, $"{mount}/keys/{name}", new JsonObject { ["type"] = type });

    public void RotateTransitKey(string name, string mount = "transit") => Send(Operation.Create, $"{mount}/keys/{name}/rotate");

    /// <summary>Null when there is none.</summary>
    public JsonObject? ReadTransitKey(string name, string mount = "transit") => TryRead($"{mount}/keys/{name}");

    /// <returns>The version that it became.</returns>
    public int PutKv(string path, JsonObject data, string mount = "secret") =>
        Send(Operation.Create, $"{mount}/data/{path}", new JsonObject { ["data"] = data.DeepClone() })!["version"]!.GetValue<int>();

    /// <summary>The current version's data; null when there is none.</summary>
    public JsonObject? GetKv(string path, string mount = "secret") => TryRead($"{mount}/data/{path}")?["data"] as JsonObject;

    public string CreateToken(
        IEnumerable<string> policies, TimeSpan? ttl = null, TimeSpan? maxTtl = null, int uses = 0, bool isRenewable = true)
    {
        JsonObject request = new()
        {
            ["policies"] = new JsonArray([.. policies.Select(static name => JsonValue.Create(name))]),
            ["renewable"] = isRenewable,
            ["num_uses"] = uses,
            ["no_parent"] = true,
        };
        SetDuration(request, "ttl", ttl);
        SetDuration(request, "explicit_max_ttl", maxTtl);
        return Ask(new Call(Operation.Create, "auth/token/create", request))["auth"]!["client_token"]!.GetValue<string>();
    }

    public void RevokeToken(string token) => Send(Operation.Create, "auth/token/revoke", new JsonObject { ["token"] = token });

    /// <summary>Mounts the method if need be, and makes the role with a secret id.</summary>
    public (string RoleId, string SecretId) CreateAppRole(
        string role, IEnumerable<string> policies, TimeSpan? ttl = null, TimeSpan? maxTtl = null, int tokenUses = 0, int secretUses = 0, string mount = "approle")
    {
        EnableAuth(mount, "approle");
        JsonObject request = new()
        {
            ["token_policies"] = string.Join(',', policies),
            ["token_num_uses"] = tokenUses,
            ["secret_id_num_uses"] = secretUses,
        };
        SetDuration(request, "token_ttl", ttl);
        SetDuration(request, "token_max_ttl", maxTtl);
        Send(Operation.Create, $"auth/{mount}/role/{role}", request);
        string roleId = Send(Operation.Read, $"auth/{mount}/role/{role}/role-id")!["role_id"]!.GetValue<string>();
        return (roleId, CreateSecretId(role, mount));
    }

    public string CreateSecretId(string role, string mount = "approle") =>
        Send(Operation.Create, $"auth/{mount}/role/{role}/secret-id")!["secret_id"]!.GetValue<string>();

    /// <summary>A token that unwraps to a new secret id, once.</summary>
    public string CreateWrappedSecretId(string role, TimeSpan wrapTtl, string mount = "approle")
    {
        JsonObject body = Ask(new Call(Operation.Create, $"auth/{mount}/role/{role}/secret-id")
        {
            WrapTtl = wrapTtl,
        });
        return body["wrap_info"]!["token"]!.GetValue<string>();
    }

    public void DestroySecretId(string role, string secretId, string mount = "approle") =>
        Send(Operation.Create, $"auth/{mount}/role/{role}/secret-id/destroy", new JsonObject { ["secret_id"] = secretId });

    /// <summary>Mounts the method if need be, and makes the role. Which tokens are good the options say.</summary>
    public void CreateKubernetesRole(
        string role, string accountNamespace, string account, IEnumerable<string> policies, TimeSpan? ttl = null, string mount = "kubernetes")
    {
        EnableAuth(mount, "kubernetes");
        Send(Operation.Create, $"auth/{mount}/config", new JsonObject { ["kubernetes_host"] = "https://127.0.0.1:1" });
        JsonObject request = new()
        {
            ["bound_service_account_names"] = account,
            ["bound_service_account_namespaces"] = accountNamespace,
            ["token_policies"] = string.Join(',', policies),
        };
        SetDuration(request, "token_ttl", ttl);
        Send(Operation.Create, $"auth/{mount}/role/{role}", request);
    }

    /// <returns>The answer's data; null where it has none.</returns>
    public JsonObject? Send(Operation operation, string path, JsonObject? body = null) => Ask(new Call(operation, path, body))["data"] as JsonObject;

    private static void SetDuration(JsonObject request, string name, TimeSpan? duration)
    {
        if (duration is { } given)
        {
            request[name] = $"{given.TotalSeconds}s";
        }
    }

    private void EnableAuth(string mount, string type)
    {
        if (!Send(Operation.Read, "sys/auth")!.ContainsKey($"{mount}/"))
        {
            Send(Operation.Create, $"sys/auth/{mount}", new JsonObject { ["type"] = type });
        }
    }

    private JsonObject? TryRead(string path) => core.Handle(WithToken(new Call(Operation.Read, path))) is { Status: 200 } answer
        ? answer.Body!["data"] as JsonObject
        : null;

    private JsonObject Ask(Call call)
    {
        Answer answer = core.Handle(WithToken(call));
        return answer.Status < 300
            ? answer.Body ?? []
            : throw new InvalidOperationException($"{call.Path}: {answer.Status} {answer.Body?["errors"]?.ToJsonString()}");
    }

    private Call WithToken(Call call) => new(call.Operation, call.Path, call.Body)
    {
        Token = rootToken,
        Namespace = Namespace,
        WrapTtl = call.WrapTtl,
    };
}
