using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;
using KmsSidecar.Doubles.Policies;

namespace KmsSidecar.Doubles.Sys;

/// <summary><c>sys/</c> of one namespace.</summary>
internal sealed class SystemEngine(VaultCore core, VaultNamespace owner) : IEngine
{
    private static readonly string[] OpenPaths =
        ["health", "seal-status", "unseal", "wrapping/unwrap", "wrapping/lookup"];

    private readonly HealthReport _health = new(core);

    public static bool AnswersWhileSealed(string path) => path is "sys/health" or "sys/seal-status" or "sys/unseal";

    /// <summary>Those below <c>internal/ui/</c> look at the token themselves.</summary>
    public bool IsOpen(string path) => OpenPaths.Contains(path) || path.StartsWith("internal/ui/mounts/", StringComparison.Ordinal);

    public Answer Handle(Call call, string path) => (path.TrimEnd('/').Split('/'), call.Operation) switch
    {
        (["health"], _) => _health.Health(),
        (["seal-status"], _) => _health.SealStatus(),
        (["seal"], Operation.Update) => Seal(),
        (["unseal"], _) => Unseal(),
        (["mounts"], Operation.Read) => List(isAuth: false),
        (["auth"], Operation.Read) => List(isAuth: true),
        (["mounts", .. var rest], Operation.Update) => Mount(call, Joined(rest)),
        (["auth", .. var rest], Operation.Update) => Mount(call, $"auth/{Joined(rest)}"),
        (["mounts", .. var rest], Operation.Delete) => Unmount(Joined(rest)),
        (["auth", .. var rest], Operation.Delete) => Unmount($"auth/{Joined(rest)}"),
        (["internal", "ui", "mounts", .. var rest], Operation.Read) => ShowMount(call, Joined(rest)),
        (["policies", "acl"], Operation.List) => Names(owner.Policies.Keys.Append("root")),
        (["policies", "acl", var name], _) => HandlePolicy(call, name),
        (["capabilities-self"], Operation.Update) => Capabilities(call),
        (["wrapping", "unwrap"], _) => core.Wrapping.Unwrap(call.Text("token") ?? call.Token),
        (["wrapping", "lookup"], _) => core.Wrapping.LookUp(call.Text("token") ?? call.Token),
        (["namespaces"], Operation.List) => Names(core.Namespaces.Keys.Where(IsBelow).Select(path => path[owner.Path.Length..])),
        (["namespaces", var name], _) => HandleNamespace(call, $"{owner.Path}{name}/"),
        (["quotas", "rate-limit", var name], _) => HandleQuota(call, name),
        _ => throw VaultFailure.UnsupportedPath(),
    };

    private static string Joined(string[] segments) => $"{string.Join('/', segments)}/";

    private static Answer Names(IEnumerable<string> names) =>
        Answer.Data(new JsonObject { ["keys"] = new JsonArray([.. names.Select(static name => JsonValue.Create(name))]) });

    private bool IsBelow(string path) => path.Length > owner.Path.Length && path.StartsWith(owner.Path, StringComparison.Ordinal);

    private Answer Seal()
    {
        core.IsSealed = true;
        return Answer.Empty;
    }

    /// <summary>Any key will do.</summary>
    private Answer Unseal()
    {
        core.IsSealed = false;
        return _health.SealStatus();
    }

    private Answer List(bool isAuth)
    {
        const string Auth = "auth/";
        return Answer.Data(
            new JsonObject(owner.Mounts
                .Where(mount => mount.Path.StartsWith(Auth, StringComparison.Ordinal) == isAuth)
                .Select(mount => KeyValuePair.Create<string, JsonNode?>(isAuth ? mount.Path[Auth.Length..] : mount.Path, mount.Describe()))),
            isDoubled: true);
    }

    private Answer Mount(Call call, string path)
    {
        string type = call.Text("type") ?? throw new VaultFailure(400, "backend type must be specified as a string");
        owner.Add(core.NewMount(owner, path, type, call.Text("description") ?? "", call.Body["options"]?.DeepClone() as JsonObject));
        return Answer.Empty;
    }

    private Answer Unmount(string path)
    {
        owner.Remove(path);
        return Answer.Empty;
    }

    private Answer ShowMount(Call call, string path)
    {
        call.Caller = core.Tokens.Find(call.Token) ?? throw VaultFailure.BadToken();
        Mount? mount = owner.Find(path);
        if (mount is null || !core.AccessOf(call.Caller).Reaches($"{owner.Path[call.Caller.Namespace.Length..]}{mount.Path}"))
        {
            throw new VaultFailure(403, $"preflight capability check returned 403, please ensure client's policies grant access to path \"{path}\"");
        }

        JsonObject shown = mount.Describe();
        shown["path"] = mount.Path;
        return Answer.Data(shown);
    }

    private Answer HandlePolicy(Call call, string name)
    {
        switch (call.Operation)
        {
            case Operation.Read:
                Policy policy = owner.Policies.GetValueOrDefault(name) ?? throw VaultFailure.NotFound();
                return Answer.Data(new JsonObject { ["name"] = name, ["policy"] = policy.Text });
            case Operation.Delete:
                owner.Policies.Remove(name);
                return Answer.Empty;
            default:
                owner.Policies[name] = Policy.Parse(call.Text("policy") ?? throw new VaultFailure(400, "'policy' parameter not supplied or empty"));
                return Answer.Empty;
        }
    }

    private Answer Capabilities(Call call)
    {
        AccessList access = core.AccessOf(call.Caller!);
        IReadOnlyList<string> paths = call.Texts("paths") ?? call.Texts("path") ?? throw new VaultFailure(400, "paths must be supplied");
        JsonObject data = [];
        foreach (string path in paths)
        {
            data[path] = new JsonArray(
                [.. access.CapabilitiesAt($"{owner.Path[call.Caller!.Namespace.Length..]}{path}").Select(static capability => JsonValue.Create(capability))]);
        }

        if (paths.Count == 1)
        {
            data["capabilities"] = data[paths[0]]!.DeepClone();
        }

        return Answer.Data(data, isDoubled: true);
    }

    private Answer HandleNamespace(Call call, string path)
    {
        switch (call.Operation)
        {
            case Operation.Delete:
                core.Namespaces.Remove(path);
                return Answer.Empty;
            case Operation.Read:
                return Answer.Data((core.Namespaces.GetValueOrDefault(path) ?? throw VaultFailure.NotFound()).Describe());
            default:
                return Answer.Data((core.Namespaces.GetValueOrDefault(path) ?? core.AddNamespace(path)).Describe());
        }
    }

    private Answer HandleQuota(Call call, string name)
    {
        if (call.Operation == Operation.Delete)
        {
            core.Quotas.Remove(name);
        }
        else
        {
            double rate = call.Body["rate"]?.GetValue<double>() ?? throw new VaultFailure(400, "'rate' is invalid");
            core.Quotas.Set(name, $"{owner.Path}{call.Text("path")}", rate, call.Duration("interval") ?? TimeSpan.FromSeconds(1));
        }

        return Answer.Empty;
    }
}
