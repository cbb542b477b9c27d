using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Auth;
using KmsSidecar.Doubles.Kv;
using KmsSidecar.Doubles.Policies;
using KmsSidecar.Doubles.Sys;
using KmsSidecar.Doubles.Tokens;
using KmsSidecar.Doubles.Transit;

namespace KmsSidecar.Doubles.Core;

/// <summary>The server without its port: namespaces, mounts, tokens, policies, and the way of a request through them.</summary>
internal sealed class VaultCore
{
    private static readonly JsonObject NoOptions = [];

    private readonly Lock _gate = new();
    private readonly Func<string, ServiceAccount?> _serviceAccounts;

    /// <param name="serviceAccounts">Whom a Kubernetes token speaks for; null for a bad one.</param>
    public VaultCore(TimeProvider clock, string rootToken, Func<string, ServiceAccount?> serviceAccounts)
    {
        _serviceAccounts = serviceAccounts;
        Clock = clock;
        Tokens = new TokenStore(clock);
        Wrapping = new ResponseWrapping(clock);
        Quotas = new RateQuotas(clock);
        AddNamespace("");
        Tokens.Create(new TokenRequest(["root"]) { Id = rootToken });
    }

    public TimeProvider Clock { get; }

    public TokenStore Tokens { get; }

    public ResponseWrapping Wrapping { get; }

    public RateQuotas Quotas { get; }

    public bool IsSealed { get; set; }

    /// <summary>By path; the root's is empty.</summary>
    public SortedDictionary<string, VaultNamespace> Namespaces { get; } = new(StringComparer.Ordinal);

    public VaultNamespace AddNamespace(string path)
    {
        VaultNamespace added = new(path);
        added.Add(new Mount("sys/", "system", new SystemEngine(this, added), "system endpoints used for control, policy and debugging"));
        added.Add(new Mount("identity/", "identity", new AbsentEngine(), "identity store"));
        added.Add(new Mount("cubbyhole/", "cubbyhole", new AbsentEngine(), "per-token private secret storage"));
        added.Add(new Mount("auth/token/", "token", new TokenEngine(Tokens, Clock, path), "token based credentials"));
        Namespaces[path] = added;
        return added;
    }

    /// <param name="path">With a slash at its end; that of an auth method begins with <c>auth/</c>.</param>
    public Mount NewMount(VaultNamespace owner, string path, string type, string description, JsonObject? options)
    {
        bool isVersioned = options?["version"]?.ToString() == "2" || type == "kv-v2";
        return (type, path.StartsWith("auth/", StringComparison.Ordinal)) switch
        {
            ("transit", false) => new Mount(path, type, new TransitEngine(Clock), description, options ?? NoOptions),
            ("kv" or "kv-v2", false) => isVersioned
                ? new Mount(path, "kv", new KvV2Engine(Clock), description, new JsonObject { ["version"] = "2" })
                : new Mount(path, "kv", new KvV1Engine(), description, options ?? NoOptions),
            ("approle", true) => new Mount(path, type, new AppRoleMethod(this, owner.Path, path), description, options),
            ("kubernetes", true) => new Mount(path, type, new KubernetesMethod(this, owner.Path, path, _serviceAccounts), description, options),
            _ => throw new VaultFailure(400, $"plugin not found in the catalog: {type}"),
        };
    }

    /// <summary>Safe to call from any number of threads.</summary>
    public Answer Handle(Call call)
    {
        lock (_gate)
        {
            try
            {
                return HandleChecked(call);
            }
            catch (VaultFailure failure)
            {
                return Answer.Errors(failure.Status, failure.Errors);
            }
            catch (Exception wrong) when (wrong is InvalidOperationException or FormatException or InvalidCastException)
            {
                return Answer.Errors(400, $"error converting input: {wrong.Message}");
            }
        }
    }

    /// <summary>What the token may do, with the paths of its own namespace.</summary>
    public AccessList AccessOf(Token token)
    {
        SortedDictionary<string, Policy> policies = Namespaces[token.Namespace].Policies;
        return new AccessList(token.Policies.Where(policies.ContainsKey).SelectMany(name => policies[name].Rules), token.IsRoot);
    }

    private Answer HandleChecked(Call call)
    {
        if (IsSealed && !SystemEngine.AnswersWhileSealed(call.Path))
        {
            throw new VaultFailure(503, "Vault is sealed");
        }

        VaultNamespace space = NamespaceOf(call);
        Quotas.Count(space.Path, call.Path);
        Mount? mount = space.Find(call.Path);
        string inner = mount is null ? "" : call.Path[mount.Path.Length..];
        if (mount is not null && mount.Engine.IsOpen(inner))
        {
            return mount.Engine.Handle(call, inner);
        }

        Token caller = Tokens.Find(call.Token) ?? throw VaultFailure.BadToken();
        if (!space.Path.StartsWith(caller.Namespace, StringComparison.Ordinal))
        {
            throw VaultFailure.BadToken();
        }

        call.Caller = caller;
        bool isLastUse = caller.Uses == 1;
        caller.Uses = Math.Max(caller.Uses - 1, 0);
        try
        {
            return HandleFor(caller, call, space, mount, inner);
        }
        finally
        {
            if (isLastUse)
            {
                Tokens.Revoke(caller);
            }
        }
    }

    private Answer HandleFor(Token caller, Call call, VaultNamespace space, Mount? mount, string inner)
    {
        if (call.Operation == Operation.Create)
        {
            call.Operation = mount?.Engine.Exists(inner) == false ? Operation.Create : Operation.Update;
        }

        if (!AccessOf(caller).Allows($"{space.Path[caller.Namespace.Length..]}{call.Path}", call.Operation))
        {
            throw VaultFailure.PolicyDenies();
        }

        if (mount is null)
        {
            throw new VaultFailure(404, $"no handler for route \"{call.Path}\". route entry not found.");
        }

        Answer answer = mount.Engine.Handle(call, inner);
        return call.WrapTtl is { } ttl && answer is { Status: < 300, Body: not null } ? Wrapping.Wrap(answer, ttl, call.Path) : answer;
    }

    /// <summary>The header's, and below it what the path begins with.</summary>
    private VaultNamespace NamespaceOf(Call call)
    {
        string header = call.Namespace.Trim('/');
        VaultNamespace space = Namespaces.GetValueOrDefault(header.Length == 0 ? "" : $"{header}/") ?? throw new VaultFailure(404, "namespace not found");
        while (call.Path.IndexOf('/', StringComparison.Ordinal) is var slash && slash > 0
            && Namespaces.TryGetValue($"{space.Path}{call.Path[..(slash + 1)]}", out VaultNamespace? below))
        {
            space = below;
            call.Path = call.Path[(slash + 1)..];
        }

        return space;
    }
}
