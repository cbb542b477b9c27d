using System.Collections.Immutable;
using KmsSidecar.Audit;
using KmsSidecar.Auth;
using KmsSidecar.Errors;

namespace KmsSidecar.Api.AwsKms;

/// <summary>The AWS KMS API (JSON 1.1, <c>TrentService</c>) as rows of the route table: what an unmodified RustFS and every AWS SDK speak.</summary>
internal sealed class AwsKmsRoutes(AwsDataKeys dataKeys, AwsKeys keys, AwsLists lists, BackendWait wait)
{
    private const string TargetPrefix = "TrentService.";

    /// <summary>Of <see cref="RouteTable.Quick"/>, so much is spent waiting for a backend: enough is left to answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    /// <summary>For changes, which may wait for each other.</summary>
    private static readonly TimeSpan ForChanges = TimeSpan.FromMinutes(1);

    public ImmutableArray<Route> Routes =>
    [
        Use("GenerateDataKey", RouteAction.GenerateDataKey, KeyScope.AwsKeyIdOrDefault, dataKeys.GenerateAsync),
        Use("GenerateDataKeyWithoutPlaintext", RouteAction.GenerateDataKey, KeyScope.AwsKeyIdOrDefault, dataKeys.GenerateWithoutPlaintextAsync),
        Use("Decrypt", RouteAction.Decrypt, KeyScope.AwsCiphertextBlob, dataKeys.DecryptAsync),
        Use("Encrypt", RouteAction.Encrypt, KeyScope.AwsKeyIdOrDefault, dataKeys.EncryptAsync),
        Use("ReEncrypt", RouteAction.Encrypt, KeyScope.AwsDestinationKeyId, dataKeys.ReEncryptAsync) with
        {
            AlsoNeeds = (RouteAction.Decrypt, KeyScope.AwsCiphertextBlob),
        },
        Row(TargetPrefix + "GenerateRandom", RouteAction.GenerateRandom, AuditKind.DataKey, KeyScope.None, RouteTable.Quick, AwsDataKeys.GenerateRandomAsync),

        Use("DescribeKey", RouteAction.DescribeKey, KeyScope.AwsKeyId, keys.DescribeAsync) with { Audit = AuditKind.Read },
        Read("ListKeys", RouteAction.ListKeys, KeyScope.None, lists.KeysAsync),
        Read("ListAliases", RouteAction.ListKeys, KeyScope.AwsKeyId, lists.AliasesAsync),
        Read("ListResourceTags", RouteAction.DescribeKey, KeyScope.AwsKeyId, lists.TagsAsync),
        Read("ListKeyRotations", RouteAction.DescribeKey, KeyScope.AwsKeyId, lists.RotationsAsync),
        Read("GetKeyRotationStatus", RouteAction.DescribeKey, KeyScope.AwsKeyId, keys.RotationStatusAsync),
        Read("GetKeyPolicy", RouteAction.DescribeKey, KeyScope.AwsKeyId, keys.PolicyAsync),

        Change("CreateKey", RouteAction.Configure, KeyScope.None, keys.CreateAsync),
        Change("EnableKey", RouteAction.EnableKey, KeyScope.AwsKeyId, keys.EnableAsync),
        Change("DisableKey", RouteAction.DisableKey, KeyScope.AwsKeyId, keys.DisableAsync),
        Change("RotateKeyOnDemand", RouteAction.RotateKey, KeyScope.AwsKeyId, keys.RotateAsync),
        Change("ScheduleKeyDeletion", RouteAction.DeleteKey, KeyScope.AwsKeyId, keys.ScheduleDeletionAsync),
        Change("CancelKeyDeletion", RouteAction.DeleteKey, KeyScope.AwsKeyId, keys.CancelDeletionAsync),
        Change("TagResource", RouteAction.TagResource, KeyScope.AwsKeyId, keys.TagAsync),
        Change("UntagResource", RouteAction.UntagResource, KeyScope.AwsKeyId, keys.UntagAsync),
        Change("UpdateKeyDescription", RouteAction.UpdateKeyDescription, KeyScope.AwsKeyId, keys.UpdateDescriptionAsync),

        Row(Route.OtherOperation, RouteAction.UnknownOperation, AuditKind.None, KeyScope.None, RouteTable.Quick, Unknown),
    ];

    /// <summary>Waits for a backend that is away.</summary>
    private Route Use(string name, RouteAction action, KeyScope key, RouteHandler handler) =>
        Row(TargetPrefix + name, action, AuditKind.DataKey, key, RouteTable.Quick, wait.Around(handler));

    private static Route Read(string name, RouteAction action, KeyScope key, RouteHandler handler) =>
        Row(TargetPrefix + name, action, AuditKind.Read, key, RouteTable.Quick, handler);

    private static Route Change(string name, RouteAction action, KeyScope key, RouteHandler handler) =>
        Row(TargetPrefix + name, action, AuditKind.Admin, key, ForChanges, handler);

    private static Route Row(string operation, RouteAction action, AuditKind audit, KeyScope key, TimeSpan time, RouteHandler handler) => new(
        "POST", "/", Surface.Tcp | Surface.DataSocket, action, audit, key, DataKeyRequest.MaxBodyBytes, time, Guard(handler), Dialect: Dialect.AwsKms, Operation: operation);

    private static ValueTask<KmsError> Unknown(Call call)
    {
        call.FailureMessage =
            $"there is no such operation here: {SigV4Options.TargetHeader} has to be {TargetPrefix}NAME, and Content-Type {AwsErrors.ContentType}";
        return new ValueTask<KmsError>(KmsError.UnknownOperation);
    }

    /// <summary>Gives the answer its type, and AWS's own failures their form.</summary>
    private static RouteHandler Guard(RouteHandler handler) => async call =>
    {
        call.ContentType = AwsErrors.ContentType;
        try
        {
            return await handler(call);
        }
        catch (AwsException failure)
        {
            AwsErrors.Write(call, failure.Code, failure.Message);
            return KmsError.None;
        }
    };
}
