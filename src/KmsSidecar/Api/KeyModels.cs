using System.Collections.Immutable;
using System.Text.Json.Serialization;
using KmsSidecar.Keys;
using KmsSidecar.Operations;

namespace KmsSidecar.Api;

internal sealed record KeyMetadata(
    string KeyId, string KeyState, string KeyUsage, string? Description, string CreationDate, string? DeletionDate, string Origin, string KeyManager,
    ImmutableSortedDictionary<string, string> Tags)
{
    public static KeyMetadata From(KeyDescription key) => new(
        key.KeyId, key.State.ToString(), key.Usage, key.Description, key.CreatedAt, key.DeletionDate, key.Origin, key.Manager, key.Tags);
}

/// <summary>A key in a listing; upstream spells its state differently there.</summary>
internal sealed record KeyInfo(
    string KeyId, string? Description, string Algorithm, string Usage, string Status, uint Version, ImmutableSortedDictionary<string, string> Metadata,
    ImmutableSortedDictionary<string, string> Tags, string CreatedAt, string? RotatedAt, string? CreatedBy, bool RotationDue)
{
    /// <summary>Why there is no verdict; there is none to give where the backend rotates, because nothing here sets an age for keys.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RotationDueReason { get; init; }

    public static KeyInfo From(KeyDescription key, BackendCapabilities backend) => new(
        key.KeyId, key.Description, key.Algorithm, key.Usage, StatusOf(key.State), key.Version, key.Tags, key.Tags, key.CreatedAt, key.RotatedAt,
        key.CreatedBy, RotationDue: false)
    {
        RotationDueReason = backend.Rotate ? null : "unsupported",
    };

    public static string StatusOf(KeyState state) => state switch
    {
        KeyState.Enabled => "Active",
        KeyState.Unavailable => "Deleted",
        _ => state.ToString(),
    };
}

internal sealed record CreateKeyAnswer(bool Success, string Message, string KeyId, KeyMetadata KeyMetadata);

internal sealed record LegacyCreateKeyAnswer(string KeyId, KeyMetadata KeyMetadata);

/// <param name="Impact">Null unless asked for.</param>
internal sealed record DescribeKeyAnswer(bool Success, string Message, KeyMetadata KeyMetadata, KeyImpactReport? Impact);

internal sealed record LegacyDescribeKeyAnswer(KeyMetadata KeyMetadata);

internal sealed record ListKeysAnswer(bool Success, string Message, ImmutableArray<KeyInfo> Keys, bool Truncated, string? NextMarker)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImmutableArray<string>? UnreadableKeyIds { get; init; }
}

internal sealed record LegacyListKeysAnswer(ImmutableArray<KeyInfo> Keys, bool Truncated, string? NextMarker);

/// <summary>Answer of every change of one key but its deletion.</summary>
internal sealed record ChangeKeyAnswer(bool Success, string Message, string KeyId, KeyMetadata KeyMetadata);

/// <param name="DeletionDate">Null when the key was destroyed at once.</param>
internal sealed record DeleteKeyAnswer(bool Success, string Message, string KeyId, string? DeletionDate, KeyImpactReport Impact);

/// <summary>Upstream's report of what names a key. This service sees its own configuration and no buckets, and says so: that nothing was
/// found is no proof.</summary>
internal sealed record KeyImpactReport(string KeyId, string Completeness, KeyImpactCoverage Coverage, ImmutableArray<KeyImpactReference> References)
{
    private const string DefaultKeyScope = "service-default-key";

    private static readonly KeyImpactCoverage Observed = new(
        [DefaultKeyScope], ["bucket-default-encryption", "object-envelopes", "in-progress-multipart-uploads"]);

    public static KeyImpactReport From(KeyImpact impact) => new(
        impact.KeyId,
        "observed-only",
        Observed,
        impact.IsDefaultKey ? [new KeyImpactReference(DefaultKeyScope, impact.KeyId, "the default key of the configuration in effect")] : []);
}

internal sealed record KeyImpactCoverage(ImmutableArray<string> Scanned, ImmutableArray<string> NotScanned);

internal sealed record KeyImpactReference(string Kind, string Id, string Detail);

internal sealed record DataKeyDescription(
    string KeyId, string KeyState, uint KeyVersion, string KeyUsage, string? Description, string CreationDate, string? DeletionDate, string? RotatedAt,
    ImmutableSortedDictionary<string, string> Tags)
{
    public static DataKeyDescription From(KeyDescription key) => new(
        key.KeyId, key.State.ToString(), key.Version, key.Usage, key.Description, key.CreatedAt, key.DeletionDate, key.RotatedAt, key.Tags);
}
