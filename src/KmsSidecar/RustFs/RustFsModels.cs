using System.Text.Json.Serialization;

namespace KmsSidecar.RustFs;

/// <summary>Of <c>GET /kms/status</c>.</summary>
/// <param name="BackendType">local, vault-kv2, vault-transit, static, aws, unknown.</param>
internal sealed record KmsStatus([property: JsonRequired] string BackendType, string? DefaultKeyId);

/// <summary>Of <c>GET /kms/config</c>: what a reconfigure has to send again, because it replaces all.</summary>
internal sealed record KmsCacheConfig(bool? CacheEnabled, long? CacheMaxKeys, long? CacheTtlSeconds);

/// <summary>For <c>POST /kms/reconfigure</c>. RustFS refuses members that it does not know.</summary>
internal sealed record ReconfigureRequest(
    string BackendType, string Region, string EndpointUrl, string DefaultKeyId, bool? EnableCache, long? MaxCachedKeys, long? CacheTtlSeconds);

/// <summary>Of <c>POST /kms/reconfigure</c>, whose failures are a 200 too.</summary>
internal sealed record ReconfigureAnswer([property: JsonRequired] bool Success, string? Message);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(KmsStatus))]
[JsonSerializable(typeof(KmsCacheConfig))]
[JsonSerializable(typeof(ReconfigureRequest))]
[JsonSerializable(typeof(ReconfigureAnswer))]
internal sealed partial class RustFsJson : JsonSerializerContext;
