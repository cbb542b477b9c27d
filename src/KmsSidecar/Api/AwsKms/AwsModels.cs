using System.Collections.Immutable;
using System.Text.Json.Serialization;
using KmsSidecar.Keys;

namespace KmsSidecar.Api.AwsKms;

/// <summary>What AWS KMS calls the things of its answers. Times are seconds since 1970, to the millisecond.</summary>
internal static class AwsModels
{
    /// <summary>The algorithm and the key spec of every key here.</summary>
    public const string Algorithm = "SYMMETRIC_DEFAULT";

    public const string EncryptDecrypt = "ENCRYPT_DECRYPT";
    public const string OwnMaterial = "AWS_KMS";

    private const string External = "EXTERNAL";

    /// <param name="timestamp">As in a key's record (<see cref="ZonedTimestamp"/>).</param>
    /// <returns>Null where that is no time.</returns>
    public static double? Seconds(string? timestamp) => timestamp is not null && ZonedTimestamp.TryParse(timestamp, out DateTimeOffset instant)
        ? instant.ToUnixTimeMilliseconds() / 1000.0
        : null;

    public static AwsKeyMetadata Describe(KeyDescription key, KeyArns arns) => new()
    {
        AWSAccountId = KeyArns.Account,
        KeyId = key.KeyId,
        Arn = arns.OfKey(key.KeyId),
        CreationDate = Seconds(key.CreatedAt),
        Enabled = key.State == KeyState.Enabled,
        Description = key.Description ?? "",
        KeyUsage = key.Usage == "SignVerify" ? "SIGN_VERIFY" : EncryptDecrypt,
        KeyState = key.State.ToString(),
        DeletionDate = Seconds(key.DeletionDate),
        Origin = key.Origin == External ? External : OwnMaterial,
        KeyManager = "CUSTOMER",
        CustomerMasterKeySpec = Algorithm,
        KeySpec = Algorithm,
        EncryptionAlgorithms = [Algorithm],
        MultiRegion = false,
    };
}

internal sealed record AwsKeyMetadata
{
    public required string AWSAccountId { get; init; }

    public required string KeyId { get; init; }

    public required string Arn { get; init; }

    public required double? CreationDate { get; init; }

    public required bool Enabled { get; init; }

    public required string Description { get; init; }

    public required string KeyUsage { get; init; }

    public required string KeyState { get; init; }

    public required double? DeletionDate { get; init; }

    public required string Origin { get; init; }

    public required string KeyManager { get; init; }

    public required string CustomerMasterKeySpec { get; init; }

    public required string KeySpec { get; init; }

    public required ImmutableArray<string> EncryptionAlgorithms { get; init; }

    public required bool MultiRegion { get; init; }
}

internal sealed record AwsKeyAnswer(AwsKeyMetadata KeyMetadata);

/// <summary>Answer of the changes that say no more than which key it was.</summary>
internal sealed record AwsKeyIdAnswer(string KeyId);

internal sealed record AwsDeletionAnswer(string KeyId, double? DeletionDate, string KeyState, long PendingWindowInDays);

internal sealed record AwsRotationStatusAnswer(string KeyId, bool KeyRotationEnabled);

internal sealed record AwsPolicyAnswer(string Policy, string PolicyName);

internal sealed record AwsKeyEntry(string KeyId, string KeyArn);

internal sealed record AwsKeysAnswer(ImmutableArray<AwsKeyEntry> Keys, string? NextMarker, bool Truncated);

internal sealed record AwsAlias(string AliasName, string AliasArn, string TargetKeyId);

internal sealed record AwsAliasesAnswer(ImmutableArray<AwsAlias> Aliases, string? NextMarker, bool Truncated);

internal sealed record AwsTag(string TagKey, string TagValue);

internal sealed record AwsTagsAnswer(ImmutableArray<AwsTag> Tags, string? NextMarker, bool Truncated);

internal sealed record AwsRotation(string KeyId, double? RotationDate, string RotationType);

internal sealed record AwsRotationsAnswer(ImmutableArray<AwsRotation> Rotations, string? NextMarker, bool Truncated);

[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Serialization, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AwsKeyAnswer))]
[JsonSerializable(typeof(AwsKeyIdAnswer))]
[JsonSerializable(typeof(AwsDeletionAnswer))]
[JsonSerializable(typeof(AwsRotationStatusAnswer))]
[JsonSerializable(typeof(AwsPolicyAnswer))]
[JsonSerializable(typeof(AwsKeysAnswer))]
[JsonSerializable(typeof(AwsAliasesAnswer))]
[JsonSerializable(typeof(AwsTagsAnswer))]
[JsonSerializable(typeof(AwsRotationsAnswer))]
internal sealed partial class AwsJson : JsonSerializerContext;
