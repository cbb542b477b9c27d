using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace KmsSidecar.Doubles.Core;

/// <param name="path">With its slash at the end; an auth method's begins with <c>auth/</c>.</param>
/// <param name="type">As the API names it: <c>kv</c>, <c>transit</c>, <c>approle</c>, <c>system</c>.</param>
/// <param name="options">Null where the server shows null.</param>
internal sealed class Mount(string path, string type, IEngine engine, string description = "", JsonObject? options = null)
{
    public string Path { get; } = path;

    public string Type { get; } = type;

    public IEngine Engine { get; } = engine;

    private string Accessor { get; } = $"{type}_{RandomNumberGenerator.GetHexString(8, lowercase: true)}";

    private string Id { get; } = Guid.NewGuid().ToString();

    private bool IsBuiltIn { get; } = type is "system" or "identity" or "cubbyhole" or "token";

    /// <summary>As <c>sys/mounts</c> lists it.</summary>
    public JsonObject Describe()
    {
        JsonObject config = new() { ["default_lease_ttl"] = 0, ["force_no_cache"] = false, ["max_lease_ttl"] = 0 };
        if (Type is "system" or "identity")
        {
            config["passthrough_request_headers"] = new JsonArray(Type == "system" ? "Accept" : "Authorization");
        }

        JsonObject mount = new()
        {
            ["accessor"] = Accessor,
            ["config"] = config,
            ["description"] = description,
            ["external_entropy_access"] = false,
            ["local"] = Type == "cubbyhole",
            ["options"] = options?.DeepClone(),
            ["plugin_version"] = "",
            ["running_plugin_version"] = "v2.0.0+builtin.bao",
            ["running_sha256"] = "",
            ["seal_wrap"] = Type == "system",
            ["type"] = Type,
            ["uuid"] = Id,
        };
        if (!IsBuiltIn)
        {
            mount["deprecation_status"] = "supported";
        }

        return mount;
    }
}
