using System.Text.Json;
using System.Text.Json.Serialization;

namespace KmsSidecar.RustFs;

/// <summary>Of <c>GET /kms/status</c>.</summary>
/// <param name="BackendType">local, vault-kv2, vault-transit, static, aws, unknown.</param>
internal sealed record KmsStatus(string BackendType, string? DefaultKeyId)
{
    public static KmsStatus? Read(JsonElement answer) =>
        answer.GetProperty("backend_type").GetString() is { } backend ? new KmsStatus(backend, RustFsAnswer.Find(answer, "default_key_id")?.GetString()) : null;
}

/// <summary>Of <c>GET /kms/config</c>: what a reconfigure has to send again, because it replaces all.</summary>
internal sealed record KmsCacheConfig(bool? CacheEnabled, long? CacheMaxKeys, long? CacheTtlSeconds)
{
    public static KmsCacheConfig Read(JsonElement answer) => new(
        RustFsAnswer.Find(answer, "cache_enabled")?.GetBoolean(),
        RustFsAnswer.Find(answer, "cache_max_keys")?.GetInt64(),
        RustFsAnswer.Find(answer, "cache_ttl_seconds")?.GetInt64());
}

/// <summary>Of <c>POST /kms/reconfigure</c>, whose failures are a 200 too.</summary>
internal sealed record ReconfigureAnswer(bool Success, string? Message)
{
    public static ReconfigureAnswer Read(JsonElement answer) =>
        new(answer.GetProperty("success").GetBoolean(), RustFsAnswer.Find(answer, "message")?.GetString());
}

/// <summary>For <c>POST /kms/reconfigure</c>. RustFS refuses members that it does not know.</summary>
internal sealed record ReconfigureRequest(
    string BackendType, string Region, string EndpointUrl, string DefaultKeyId, bool? EnableCache, long? MaxCachedKeys, long? CacheTtlSeconds);

/// <summary>What is sent. What is read is read member by member: the metadata for that would be many times this folder's size.</summary>
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Serialization,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ReconfigureRequest))]
internal sealed partial class RustFsJson : JsonSerializerContext;
