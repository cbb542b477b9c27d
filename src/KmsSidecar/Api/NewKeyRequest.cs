using System.Collections.Immutable;
using KmsSidecar.Errors;
using KmsSidecar.Json;
using KmsSidecar.Keys;

namespace KmsSidecar.Api;

/// <summary>The body of a key's creation, in the playbook's spelling (<c>KeyUsage</c>, <c>Description</c>) or upstream's (<c>key_usage</c>).</summary>
internal sealed class NewKeyRequest
{
    public const int MaxDescriptionLength = 8192;

    private const int MaxTagLength = 256;

    private string? _name;
    private string? _usage;
    private string? _description;
    private ImmutableSortedDictionary<string, string>? _tags;

    private NewKeyRequest()
    {
    }

    /// <param name="body">May be empty: a key with a random id.</param>
    public static NewKeyRequest Read(ReadOnlySpan<byte> body)
    {
        NewKeyRequest request = new();
        if (body.IsEmpty)
        {
            return request;
        }

        StrictObject members = new(body);
        while (members.Next())
        {
            switch (members.Name)
            {
                case "key_usage" or "KeyUsage":
                    SetOnce(ref members, ref request._usage, ReadUsage(ref members));
                    break;
                case "description" or "Description":
                    SetOnce(ref members, ref request._description, members.TextOrNull(MaxDescriptionLength));
                    break;
                case "key_name" or "KeyName":
                    SetOnce(ref members, ref request._name, members.TextOrNull(KeyId.MaxLength));
                    break;
                case "tags" or "Tags":
                    SetOnce(ref members, ref request._tags, members.IsNull ? null : members.TextMap(KeyRules.MaxTags, MaxTagLength));
                    break;
                default:
                    throw members.Unknown();
            }
        }

        request.RefuseTwoNames();
        return request;
    }

    /// <summary>The key's id: its name if given (<c>key_name</c>, or the tag <c>name</c>), else its description when that is a legal id
    /// which is free, else random.</summary>
    public async ValueTask<NewKey> NameAsync(Func<string, ValueTask<bool>> isTaken)
    {
        ImmutableSortedDictionary<string, string> tags = _tags ?? Tags.None;
        string? id = _name ?? tags.GetValueOrDefault(Tags.Name);
        if (id is null && _description is not null && KeyId.IsLegal(_description) && !await isTaken(_description))
        {
            id = _description;
        }

        return id is null
            ? new NewKey(KeyId.NewRandom(), _description, tags)
            : new NewKey(id, _description, tags.SetItem(Tags.Name, id));
    }

    private static void SetOnce<T>(ref StrictObject members, ref T? field, T? value)
        where T : class
    {
        field = field is null ? value : throw members.Refuse("is given in both spellings");
    }

    private static string? ReadUsage(ref StrictObject members) => members.TextOrNull(32) switch
    {
        null => null,
        "EncryptDecrypt" or "ENCRYPT_DECRYPT" => "EncryptDecrypt",
        "SignVerify" or "SIGN_VERIFY" => throw new KmsException(
            KmsError.Unsupported, "keys here encrypt and decrypt; there are none that sign"),
        _ => throw members.Refuse("must be EncryptDecrypt or ENCRYPT_DECRYPT"),
    };

    private void RefuseTwoNames()
    {
        if (_name is not null && _tags?.GetValueOrDefault(Tags.Name) is { } tag && tag != _name)
        {
            throw new KmsException(KmsError.MalformedRequest, "'key_name' and 'tags.name' both name the key, and differ");
        }
    }
}
