using System.Collections.Immutable;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using KmsSidecar.Keys;

namespace KmsSidecar.Api;

/// <summary>The bodies of the routes that change one key. The key's name goes to <see cref="Call.KeyId"/> as soon as it is read.</summary>
internal static class KeyChangeRequest
{
    /// <summary>The parameter that names the key where there is no body.</summary>
    public const string KeyParameter = "keyId";

    /// <summary>Longest way to name a key: an ARN, with room.</summary>
    public const int MaxReferenceLength = 2048;

    private const int MaxTagLength = 256;

    /// <summary>For the changes that need no more than the key: the body's only member, or the parameter where the body is empty. A body
    /// makes parameters void.</summary>
    public static void ReadKey(Call call)
    {
        if (call.Body.IsEmpty)
        {
            call.KeyId = RequireParameter(call);
            return;
        }

        bool hasKey = false;
        StrictObject members = new(call.Body.Span);
        while (members.Next())
        {
            call.KeyId = members.Name == "key_id" ? members.Text(MaxReferenceLength) : throw members.Unknown();
            hasKey = true;
        }

        Require(hasKey, "key_id");
    }

    public static string RequireParameter(Call call) => call.Query.GetValueOrDefault(KeyParameter)
        ?? throw new KmsException(KmsError.MalformedRequest, $"missing required parameter: '{KeyParameter}'");

    public static KeyChange.Describe ReadDescription(Call call)
    {
        string? description = null;
        ReadBody(call, "description", (ref members) => description = members.Text(NewKeyRequest.MaxDescriptionLength));
        return new KeyChange.Describe(description!);
    }

    public static KeyChange.Tag ReadTags(Call call)
    {
        ImmutableSortedDictionary<string, string>? tags = null;
        ReadBody(call, "tags", (ref members) => tags = members.TextMap(KeyRules.MaxTags, MaxTagLength));
        return new KeyChange.Tag(tags!);
    }

    public static KeyChange.Untag ReadTagNames(Call call)
    {
        ImmutableArray<string> names = [];
        ReadBody(call, "tag_keys", (ref members) => names = members.Items(KeyRules.MaxTags, static (ref item) => item.Text(MaxTagLength)));
        return new KeyChange.Untag(names);
    }

    public static void Require(bool isThere, string member)
    {
        if (!isThere)
        {
            throw new KmsException(KmsError.MalformedRequest, $"member '{member}' is missing");
        }
    }

    private delegate void MemberReader(ref StrictObject members);

    /// <summary>A body of the key and one other member, both required; parameters are void.</summary>
    private static void ReadBody(Call call, string member, MemberReader read)
    {
        if (call.Body.IsEmpty)
        {
            throw new KmsException(KmsError.MalformedRequest, "a request body is required");
        }

        (bool hasKey, bool hasMember) = (false, false);
        StrictObject members = new(call.Body.Span);
        while (members.Next())
        {
            if (members.Name == "key_id")
            {
                call.KeyId = members.Text(MaxReferenceLength);
                hasKey = true;
            }
            else if (members.Name == member)
            {
                read(ref members);
                hasMember = true;
            }
            else
            {
                throw members.Unknown();
            }
        }

        Require(hasKey, "key_id");
        Require(hasMember, member);
    }
}
