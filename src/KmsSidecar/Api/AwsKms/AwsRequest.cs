using System.Collections.Immutable;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using KmsSidecar.Keys;

namespace KmsSidecar.Api.AwsKms;

/// <summary>The body of any operation: a member of one name has one type in them all. Null is as good as absent, and unknown members are
/// ignored, as AWS does; that their values are in range is checked by those who use them.</summary>
internal sealed class AwsRequest
{
    private const int MaxTextLength = 16 * 1024;

    private AwsRequest()
    {
    }

    public string? KeyId { get; private set; }

    public string? SourceKeyId { get; private set; }

    public string? DestinationKeyId { get; private set; }

    public string? KeySpec { get; private set; }

    public string? KeyUsage { get; private set; }

    public string? Origin { get; private set; }

    public string? Description { get; private set; }

    public string? Marker { get; private set; }

    public string? PolicyName { get; private set; }

    public long? NumberOfBytes { get; private set; }

    public long? Limit { get; private set; }

    public long? PendingWindowInDays { get; private set; }

    public bool DryRun { get; private set; }

    public bool MultiRegion { get; private set; }

    public EncryptionContext Context { get; private set; } = EncryptionContext.Empty;

    public EncryptionContext SourceContext { get; private set; } = EncryptionContext.Empty;

    public EncryptionContext DestinationContext { get; private set; } = EncryptionContext.Empty;

    public ImmutableArray<(string Key, string Value)>? Tags { get; private set; }

    public ImmutableArray<string>? TagKeys { get; private set; }

    /// <summary>In <see cref="Call.Plaintext"/>.</summary>
    public ReadOnlyMemory<byte>? Plaintext { get; private set; }

    /// <summary>In <see cref="Call.Envelope"/>.</summary>
    public ReadOnlyMemory<byte>? CiphertextBlob { get; private set; }

    /// <summary>The first member that asks for what there is not here, and would be wrong to ignore.</summary>
    public string? Unsupported { get; private set; }

    /// <summary>An algorithm other than the one of these keys was asked for.</summary>
    public bool HasOtherAlgorithm { get; private set; }

    /// <exception cref="AwsException">SerializationException: not JSON, a member of the wrong type, or twice. ValidationException: too long.</exception>
    public static AwsRequest Read(Call call)
    {
        call.Plaintext.Clear();
        call.Envelope.Clear();
        AwsRequest request = new();
        if (call.Body.IsEmpty)
        {
            return request;
        }

        try
        {
            StrictObject members = new(call.Body.Span);
            while (members.Next())
            {
                if (members.IsNull || !request.TryTake(ref members, call))
                {
                    members.Skip();
                }
            }
        }
        catch (KmsException malformed)
        {
            throw new AwsException(AwsErrorCode.SerializationException, malformed.Message);
        }

        return request;
    }

    /// <exception cref="AwsException">ValidationException: it is not from 1 to <paramref name="max"/>.</exception>
    public static long InRange(string member, long value, long max) =>
        value >= 1 && value <= max ? value : throw AwsException.Invalid($"{member} must be from 1 to {max}");

    private bool TryTake(ref StrictObject members, Call call)
    {
        switch (members.Name)
        {
            case "KeyId":
                KeyId = members.KnownTextOrNull(MaxTextLength);
                break;
            case "SourceKeyId":
                SourceKeyId = members.Text(MaxTextLength);
                break;
            case "DestinationKeyId":
                DestinationKeyId = members.Text(MaxTextLength);
                break;
            case "EncryptionContext":
                Context = ReadContext(ref members);
                break;
            case "SourceEncryptionContext":
                SourceContext = ReadContext(ref members);
                break;
            case "DestinationEncryptionContext":
                DestinationContext = ReadContext(ref members);
                break;
            case "KeySpec" or "CustomerMasterKeySpec":
                KeySpec = members.KnownTextOrNull(MaxTextLength);
                break;
            case "NumberOfBytes":
                NumberOfBytes = ReadNumber(ref members);
                break;
            case "Plaintext":
                Plaintext = ReadBlob(ref members, call.Plaintext, Envelope.MaxPlaintextLength, call.Body.Length);
                break;
            case "CiphertextBlob":
                CiphertextBlob = ReadBlob(ref members, call.Envelope, Envelope.MaxUtf8Length, call.Body.Length);
                break;
            case "DryRun":
                DryRun = members.Flag();
                break;
            case "EncryptionAlgorithm" or "SourceEncryptionAlgorithm" or "DestinationEncryptionAlgorithm":
                HasOtherAlgorithm |= members.KnownTextOrNull(MaxTextLength) != AwsModels.Algorithm;
                break;
            default:
                return TryTakeOfKey(ref members);
        }

        return true;
    }

    /// <summary>The members of those operations that are about the key itself.</summary>
    private bool TryTakeOfKey(ref StrictObject members)
    {
        switch (members.Name)
        {
            case "Description":
                Description = members.Text(MaxTextLength);
                break;
            case "Tags":
                Tags = members.Items(KeyRules.MaxTags + 1, static (ref item) => item.Nested(ReadTag));
                break;
            case "TagKeys":
                TagKeys = members.Items(KeyRules.MaxTags + 1, static (ref item) => item.Text(MaxTextLength));
                break;
            case "PendingWindowInDays":
                PendingWindowInDays = ReadNumber(ref members);
                break;
            case "Limit":
                Limit = ReadNumber(ref members);
                break;
            case "Marker":
                Marker = members.Text(MaxTextLength);
                break;
            case "PolicyName":
                PolicyName = members.Text(MaxTextLength);
                break;
            case "KeyUsage":
                KeyUsage = members.Text(MaxTextLength);
                break;
            case "Origin":
                Origin = members.Text(MaxTextLength);
                break;
            case "MultiRegion":
                MultiRegion = members.Flag();
                break;
            case "Recipient" or "Policy" or "CustomKeyStoreId" or "XksKeyId":
                Unsupported ??= members.Name;
                return false;
            default:
                return false;
        }

        return true;
    }

    private static (string Key, string Value) ReadTag(ref StrictObject members)
    {
        (string? key, string? value) = (null, null);
        while (members.Next())
        {
            switch (members.Name)
            {
                case "TagKey":
                    key = members.TextOrNull(MaxTextLength);
                    break;
                case "TagValue":
                    value = members.TextOrNull(MaxTextLength);
                    break;
                default:
                    members.Skip();
                    break;
            }
        }

        return key is not null && value is not null
            ? (key, value)
            : throw AwsException.Invalid("each of Tags needs a TagKey and a TagValue");
    }

    private static long ReadNumber(ref StrictObject members) => members.Number(int.MinValue, int.MaxValue);

    private static ReadOnlyMemory<byte> ReadBlob(ref StrictObject members, SecretBuffer buffer, int maxLength, int bodyLength)
    {
        // No more than it can be: what is lent has to be wiped.
        if (!members.TryBase64(buffer.GetMemory(Math.Min(maxLength, bodyLength)).Span, out int length) || length > maxLength)
        {
            throw AwsException.Invalid($"{members.Name} is longer than {maxLength} bytes");
        }

        buffer.Advance(length);
        return buffer.WrittenMemory;
    }

    private static EncryptionContext ReadContext(ref StrictObject members)
    {
        if (!members.IsObject)
        {
            throw members.Refuse("must be an object of strings");
        }

        return members.Read(static (ref reader, out fault) => EncryptionContext.TryRead(ref reader, out EncryptionContext? context, out fault)
            ? context!
            : fault != EncryptionContextBuilder.TooLong
                ? EncryptionContext.Empty
                : throw AwsException.Invalid($"the encryption context is longer than {EncryptionContext.MaxCanonicalLength} bytes"));
    }
}
