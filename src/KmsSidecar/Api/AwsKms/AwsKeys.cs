using System.Collections.Immutable;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;
using KmsSidecar.Operations;

namespace KmsSidecar.Api.AwsKms;

/// <summary>The operations of AWS KMS that make, describe and change keys of the active backend.</summary>
/// <remarks>Key policies, grants and automatic rotation are not here: what asks for them is refused, so that nobody relies on them.</remarks>
internal sealed class AwsKeys(KmsService service, KeyAdministration administration, KeyArns arns)
{
    private const int MaxTagKeyLength = 128;
    private const int MaxTagValueLength = 256;

    /// <summary>AWS's own default, word for word but the account: users' policies say who may do what.</summary>
    private const string Policy =
        """{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::"""
        + KeyArns.Account + """:root"},"Action":"kms:*","Resource":"*"}]}""";

    public async ValueTask<KmsError> DescribeAsync(Call call)
    {
        (KmsError error, KeyDescription? key) = await FindAsync(call, AwsRequest.Read(call));
        if (error == KmsError.None)
        {
            call.Write(new AwsKeyAnswer(AwsModels.Describe(key!, arns)), AwsJson.Default.AwsKeyAnswer);
        }

        return error;
    }

    /// <summary>The key's id is its tag <c>name</c>, else random.</summary>
    public async ValueTask<KmsError> CreateAsync(Call call)
    {
        AwsRequest request = AwsRequest.Read(call);
        RefuseOtherKinds(request);
        ImmutableSortedDictionary<string, string> tags = request.Tags is { } given ? ReadTags(given) : Tags.None;
        string id = tags.GetValueOrDefault(Tags.Name) ?? KeyId.NewRandom();
        if (!KeyId.IsLegal(id))
        {
            throw new AwsException(AwsErrorCode.TagException, $"tag '{Tags.Name}' is to be the key's id: {KmsErrors.Describe(KmsError.InvalidKeyId).Sentence}");
        }

        string? description = request.Description is { Length: > 0 } text ? ReadDescription(text) : null;
        KeyDescription key = await administration.CreateAsync(new NewKey(id, description, tags), call.Actor, call.Cancellation);
        call.Audit.Note(key);
        call.Write(new AwsKeyAnswer(AwsModels.Describe(key, arns)), AwsJson.Default.AwsKeyAnswer);
        return KmsError.None;
    }

    public ValueTask<KmsError> EnableAsync(Call call) => ChangeAsync(call, new KeyChange.Enable());

    public ValueTask<KmsError> DisableAsync(Call call) => ChangeAsync(call, new KeyChange.Disable());

    public async ValueTask<KmsError> ScheduleDeletionAsync(Call call)
    {
        AwsRequest request = AwsRequest.Read(call);
        string reference = KeyOf(request);
        long days = request.PendingWindowInDays ?? KeyAdministration.LongestWindow;
        if (days is < KeyAdministration.ShortestWindow or > KeyAdministration.LongestWindow)
        {
            throw AwsException.Invalid(
                $"PendingWindowInDays must be from {KeyAdministration.ShortestWindow} to {KeyAdministration.LongestWindow}");
        }

        KeyDescription key = await administration.ScheduleDeletionAsync(call.JudgedKeyId ?? reference, days, call.Actor, call.Cancellation);
        call.Audit.Note(key);
        call.Write(
            new AwsDeletionAnswer(reference, AwsModels.Seconds(key.DeletionDate), key.State.ToString(), days), AwsJson.Default.AwsDeletionAnswer);
        return KmsError.None;
    }

    /// <summary>The key returns to the state that it had, which AWS would leave disabled.</summary>
    public async ValueTask<KmsError> CancelDeletionAsync(Call call)
    {
        string reference = KeyOf(AwsRequest.Read(call));
        call.Audit.Note(await administration.ChangeAsync(call.JudgedKeyId ?? reference, new KeyChange.CancelDeletion(), call.Actor, call.Cancellation));
        return WriteKeyId(call, reference);
    }

    public async ValueTask<KmsError> RotateAsync(Call call)
    {
        string reference = KeyOf(AwsRequest.Read(call));
        call.Audit.Note(await administration.RotateAsync(call.JudgedKeyId ?? reference, call.Actor, call.Cancellation));
        return WriteKeyId(call, reference);
    }

    public async ValueTask<KmsError> UpdateDescriptionAsync(Call call)
    {
        AwsRequest request = AwsRequest.Read(call);
        string description = ReadDescription(request.Description ?? throw AwsException.Missing("Description"));
        return await ApplyAsync(call, KeyOf(request), new KeyChange.Describe(description));
    }

    public async ValueTask<KmsError> TagAsync(Call call)
    {
        AwsRequest request = AwsRequest.Read(call);
        ImmutableSortedDictionary<string, string> tags = ReadTags(request.Tags ?? throw AwsException.Missing("Tags"));
        RefuseName(tags.Keys);
        try
        {
            return await ApplyAsync(call, KeyOf(request), new KeyChange.Tag(tags));
        }
        catch (KmsException tooMany) when (tooMany.Error == KmsError.MalformedRequest)
        {
            throw new AwsException(AwsErrorCode.LimitExceededException, tooMany.Message);
        }
    }

    public async ValueTask<KmsError> UntagAsync(Call call)
    {
        AwsRequest request = AwsRequest.Read(call);
        ImmutableArray<string> names = request.TagKeys ?? throw AwsException.Missing("TagKeys");
        RefuseName(names);
        return await ApplyAsync(call, KeyOf(request), new KeyChange.Untag(names));
    }

    /// <summary>Keys are rotated when an operator says so, and never by themselves.</summary>
    public async ValueTask<KmsError> RotationStatusAsync(Call call)
    {
        (KmsError error, KeyDescription? key) = await FindAsync(call, AwsRequest.Read(call));
        if (error == KmsError.None)
        {
            call.Write(new AwsRotationStatusAnswer(key!.KeyId, KeyRotationEnabled: false), AwsJson.Default.AwsRotationStatusAnswer);
        }

        return error;
    }

    public async ValueTask<KmsError> PolicyAsync(Call call)
    {
        AwsRequest request = AwsRequest.Read(call);
        (KmsError error, _) = await FindAsync(call, request);
        if (error != KmsError.None)
        {
            return error;
        }

        const string Name = "default";
        if (request.PolicyName is not (null or Name))
        {
            throw new AwsException(AwsErrorCode.NotFoundException, $"a key has the one policy '{Name}'");
        }

        call.Write(new AwsPolicyAnswer(Policy, Name), AwsJson.Default.AwsPolicyAnswer);
        return KmsError.None;
    }

    private async ValueTask<(KmsError Error, KeyDescription? Key)> FindAsync(Call call, AwsRequest request)
    {
        string reference = KeyOf(request);
        using SnapshotLease lease = service.Acquire();
        (KmsError error, KeyDescription? key) = await DataKeys.DescribeAsync(lease.Snapshot, call.JudgedKeyId ?? reference, call.Cancellation);
        if (key is not null)
        {
            call.Audit.Note(key);
        }

        return (error, key);
    }

    private ValueTask<KmsError> ChangeAsync(Call call, KeyChange change) => ApplyAsync(call, KeyOf(AwsRequest.Read(call)), change);

    /// <summary>For the changes that have no answer but that they are done.</summary>
    private async ValueTask<KmsError> ApplyAsync(Call call, string reference, KeyChange change)
    {
        call.Audit.Note(await administration.ChangeAsync(call.JudgedKeyId ?? reference, change, call.Actor, call.Cancellation));
        return KmsError.None;
    }

    private static KmsError WriteKeyId(Call call, string reference)
    {
        call.Write(new AwsKeyIdAnswer(reference), AwsJson.Default.AwsKeyIdAnswer);
        return KmsError.None;
    }

    private string KeyOf(AwsRequest request) => arns.Require(request.KeyId, "KeyId");

    private static void RefuseOtherKinds(AwsRequest request)
    {
        string? member = request.Unsupported
            ?? (request.KeySpec is not (null or AwsModels.Algorithm) ? "KeySpec"
            : request.KeyUsage is not (null or AwsModels.EncryptDecrypt) ? "KeyUsage"
            : request.Origin is not (null or AwsModels.OwnMaterial) ? "Origin"
            : request.MultiRegion ? "MultiRegion"
            : null);
        if (member is not null)
        {
            throw new AwsException(
                AwsErrorCode.UnsupportedOperationException,
                $"{member} is not supported with this value: keys here are symmetric, encrypt and decrypt, and have no policies of their own");
        }
    }

    private static ImmutableSortedDictionary<string, string> ReadTags(ImmutableArray<(string Key, string Value)> given)
    {
        if (given.Length > KeyRules.MaxTags)
        {
            throw new AwsException(AwsErrorCode.LimitExceededException, $"a key has at most {KeyRules.MaxTags} tags");
        }

        ImmutableSortedDictionary<string, string>.Builder tags = Tags.None.ToBuilder();
        foreach ((string key, string value) in given)
        {
            if (key.Length is 0 or > MaxTagKeyLength || value.Length > MaxTagValueLength)
            {
                throw AwsException.Invalid($"a TagKey must be 1 to {MaxTagKeyLength} characters long, a TagValue at most {MaxTagValueLength}");
            }

            if (!tags.TryAdd(key, value))
            {
                throw new AwsException(AwsErrorCode.TagException, "a TagKey is given twice");
            }
        }

        return tags.ToImmutable();
    }

    private static void RefuseName(IEnumerable<string> names)
    {
        if (names.Contains(Tags.Name, StringComparer.Ordinal))
        {
            throw new AwsException(AwsErrorCode.TagException, $"tag '{Tags.Name}' is the key's id and cannot be changed");
        }
    }

    private static string ReadDescription(string text) => text.Length <= NewKeyRequest.MaxDescriptionLength
        ? text
        : throw AwsException.Invalid($"Description must be at most {NewKeyRequest.MaxDescriptionLength} characters long");
}
