using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;
using KmsSidecar.Doubles.Tokens;

namespace KmsSidecar.Doubles.Auth;

/// <summary>A Kubernetes mount. No cluster reviews the tokens: those that are good are given.</summary>
internal sealed class KubernetesMethod(VaultCore core, string @namespace, string mountPath, Func<string, ServiceAccount?> serviceAccounts) : IEngine
{
    private readonly Dictionary<string, Role> _roles = new(StringComparer.Ordinal);
    private bool _isConfigured;

    public bool IsOpen(string path) => path == "login";

    public bool? Exists(string path) => path.Split('/') is ["role", var name] ? _roles.ContainsKey(name) : null;

    public Answer Handle(Call call, string path) => (path.TrimEnd('/').Split('/'), call.Operation) switch
    {
        (["login"], Operation.Create) => LogIn(call),
        (["config"], Operation.Update) => Configure(call),
        (["role", var name], Operation.Create or Operation.Update) => SetRole(call, name),
        _ => throw VaultFailure.UnsupportedPath(),
    };

    private Answer Configure(Call call)
    {
        if (call.Flag("disable_local_ca_jwt") == true && call.Text("kubernetes_ca_cert") is null or "")
        {
            throw new VaultFailure(400, "kubernetes_ca_cert must be given when disable_local_ca_jwt is true");
        }

        _isConfigured = true;
        return Answer.Empty;
    }

    private Answer SetRole(Call call, string name)
    {
        if (!_roles.TryGetValue(name, out Role? role))
        {
            _roles.Add(name, role = new Role());
        }

        role.Names = call.Texts("bound_service_account_names") ?? role.Names;
        role.Namespaces = call.Texts("bound_service_account_namespaces") ?? role.Namespaces;
        role.Tokens.Set(call);
        return Answer.Empty;
    }

    private Answer LogIn(Call call)
    {
        string jwt = call.Text("jwt") ?? throw new VaultFailure(400, "missing jwt");
        string name = call.Text("role") ?? throw new VaultFailure(400, "missing role");
        Role role = _roles.GetValueOrDefault(name) ?? throw new VaultFailure(400, $"invalid role name \"{name}\"");
        if (!_isConfigured)
        {
            throw new VaultFailure(500, "could not load backend configuration");
        }

        ServiceAccount account = serviceAccounts(jwt) ?? throw VaultFailure.BadToken();
        if (!role.Names.Contains(account.Name) && !role.Names.Contains("*"))
        {
            throw new VaultFailure(403, "service account name not authorized");
        }

        if (!role.Namespaces.Contains(account.Namespace) && !role.Namespaces.Contains("*"))
        {
            throw new VaultFailure(403, "namespace not authorized");
        }

        Token token = core.Tokens.Create(new TokenRequest(role.Tokens.Policies)
        {
            Namespace = @namespace,
            DisplayName = $"{mountPath.Trim('/')["auth/".Length..]}-{account.Namespace}-{account.Name}",
            EntityId = role.Tokens.EntityId,
            Path = $"{mountPath}login",
            Metadata = new JsonObject
            {
                ["role"] = name,
                ["service_account_name"] = account.Name,
                ["service_account_namespace"] = account.Namespace,
            },
            Ttl = role.Tokens.Ttl,
            MaxTtl = role.Tokens.MaxTtl,
            Uses = role.Tokens.Uses,
        });
        return Answer.Auth(token.DescribeAuth(core.Clock.GetUtcNow()));
    }

    private sealed class Role
    {
        public LoginRole Tokens { get; } = new();

        public IReadOnlyList<string> Names { get; set; } = [];

        public IReadOnlyList<string> Namespaces { get; set; } = [];
    }
}
