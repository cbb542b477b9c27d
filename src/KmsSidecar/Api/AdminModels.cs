using System.Collections.Immutable;
using System.Text.Json.Serialization;
using KmsSidecar.Keys;

namespace KmsSidecar.Api;

/// <summary>Answers of configure, reconfigure, start, stop and rollback.</summary>
internal sealed record LifecycleAnswer(bool Success, string Message, UpstreamState Status);

internal sealed record ServiceStatusAnswer(UpstreamState Status, string? BackendType, bool? Healthy, ConfigSummary? ConfigSummary);

/// <summary><c>/kms/status</c>: the playbook's members, then upstream's, then ours.</summary>
internal sealed record StatusAnswer
{
    public required string Status { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Error { get; init; }

    public string? BackendType { get; init; }

    /// <summary>healthy, unhealthy; null unless running.</summary>
    public string? BackendStatus { get; init; }

    public bool? Healthy { get; init; }

    public bool? CacheEnabled { get; init; }

    public CacheStats? CacheStats { get; init; }

    public string? DefaultKeyId { get; init; }

    public Capabilities? Capabilities { get; init; }

    public ClusterConfig? ClusterConfig { get; init; }

    public ConfigSummary? ConfigSummary { get; init; }

    public long Generation { get; init; }

    public int? KeyCount { get; init; }

    /// <summary>Keys that the scan of a large directory has not looked at yet; null unless running.</summary>
    public int? UncheckedKeyCount { get; init; }

    public ImmutableArray<UnreadableKey> UnreadableKeys { get; init; } = [];

    /// <summary>Absent unless the active backend is on a server.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RemoteSummary? Remote { get; init; }

    public ImmutableArray<DecryptOnlyBackend> DecryptOnly { get; init; } = [];

    /// <summary>Absent unless the daemon passes its default key on.</summary>
    [JsonPropertyName("rustfs")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RustFsSummary? RustFs { get; init; }

    /// <summary>When the service came into <see cref="Status"/>, in this process.</summary>
    public required string StateSince { get; init; }

    public required string Version { get; init; }
}

/// <param name="Followed">At the last look RustFS had the default key that the service has now.</param>
/// <param name="DefaultKeyId">What RustFS reported or took last.</param>
internal sealed record RustFsSummary(bool Followed, string? DefaultKeyId, string? LastError, string Endpoint);

internal sealed record CacheStats(long HitCount, long MissCount, long EntryCount, long EvictionCount);

internal sealed record Capabilities(
    bool Encrypt, bool Decrypt, bool GenerateDataKey, bool Rotate, bool EnableDisable, bool ScheduleDeletion, bool Versioning, bool PhysicalDelete,
    bool UpdateKeyMetadata, bool Rewrap)
{
    public static Capabilities From(BackendCapabilities backend) => new(
        Encrypt: true, Decrypt: true, GenerateDataKey: true, backend.Rotate, backend.EnableDisable, backend.ScheduleDeletion, backend.Versioning,
        backend.PhysicalDelete, backend.UpdateKeyMetadata, backend.Rewrap);
}

/// <summary>Upstream compares the configurations of a cluster's nodes; a sidecar has one node.</summary>
internal sealed record ClusterConfig(bool Consistent, ImmutableArray<ClusterNode> Nodes);

internal sealed record ClusterNode(string Host, string ConfigFingerprint);

/// <param name="Name">What drop takes.</param>
/// <param name="KeyCount">Null unless it is open.</param>
/// <param name="LastUsedAt">When it last opened an envelope, to the minute; null for not since it became decrypt-only.</param>
/// <param name="Fault">Why it cannot be opened; null when it can.</param>
/// <param name="Remote">Absent unless it is open, and on a server.</param>
internal sealed record DecryptOnlyBackend(
    string Name,
    BackendSummary BackendSummary,
    int? KeyCount,
    string DecryptOnlySince,
    string? LastUsedAt,
    string? Fault,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] RemoteSummary? Remote);

internal sealed record ConfigSummary(
    string BackendType, string? DefaultKeyId, long TimeoutSeconds, int RetryAttempts, bool EnableCache, int MaxCachedKeys, long CacheTtlSeconds,
    CacheSummary? CacheSummary, BackendSummary BackendSummary);

internal sealed record CacheSummary(int MaxKeys, long TtlSeconds, bool EnableMetrics);

internal sealed record ConfigAnswer(string Backend, bool CacheEnabled, int CacheMaxKeys, long CacheTtlSeconds, string? DefaultKeyId);

internal sealed record ClearCacheAnswer(string Status, string Message);

internal sealed record HistoryAnswer(bool Success, string Message, ImmutableArray<HistoryEntry> History);

internal sealed record HistoryEntry(
    long Generation, bool Current, string SavedAt, string Action, string By, string From, ImmutableArray<string> Changed, string BackendType,
    string? DefaultKeyId, ImmutableArray<string> DecryptOnly);

/// <param name="Message">Which statement decides, for people.</param>
/// <param name="Policy">The policy that decides; null when none does.</param>
/// <param name="Statement">Index of its deciding statement.</param>
internal sealed record PolicyCheckAnswer(bool Success, bool Allowed, string Message, string? Policy, int? Statement, string? Sid);

/// <summary>What RustFS may know of the service: no paths, no history.</summary>
internal sealed record DataStatusAnswer(string Status, string? DefaultKeyId, long Generation, bool? Healthy, string Version);

/// <summary>Every answer. They are only written, so the binary has no metadata of them.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Serialization, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(LifecycleAnswer))]
[JsonSerializable(typeof(ServiceStatusAnswer))]
[JsonSerializable(typeof(StatusAnswer))]
[JsonSerializable(typeof(ConfigAnswer))]
[JsonSerializable(typeof(ClearCacheAnswer))]
[JsonSerializable(typeof(HistoryAnswer))]
[JsonSerializable(typeof(UserAnswer))]
[JsonSerializable(typeof(ListUsersAnswer))]
[JsonSerializable(typeof(ListPoliciesAnswer))]
[JsonSerializable(typeof(AccessAnswer))]
[JsonSerializable(typeof(PolicyCheckAnswer))]
[JsonSerializable(typeof(CreateKeyAnswer))]
[JsonSerializable(typeof(LegacyCreateKeyAnswer))]
[JsonSerializable(typeof(DescribeKeyAnswer))]
[JsonSerializable(typeof(LegacyDescribeKeyAnswer))]
[JsonSerializable(typeof(ListKeysAnswer))]
[JsonSerializable(typeof(LegacyListKeysAnswer))]
[JsonSerializable(typeof(ChangeKeyAnswer))]
[JsonSerializable(typeof(DeleteKeyAnswer))]
[JsonSerializable(typeof(DataStatusAnswer))]
[JsonSerializable(typeof(DataKeyDescription))]
internal sealed partial class AdminJson : JsonSerializerContext;
