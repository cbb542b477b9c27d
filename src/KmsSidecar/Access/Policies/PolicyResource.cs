using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace KmsSidecar.Access.Policies;

/// <summary>What a resource of a statement is about.</summary>
internal enum ResourceKind
{
    /// <summary>A bare <c>*</c>: no restriction at all.</summary>
    Everything,

    /// <summary>Keys by a pattern on their ids.</summary>
    Keys,

    /// <summary>An alias. Policies are judged on key ids, so it matches none, as in RustFS.</summary>
    Alias,

    /// <summary>Buckets and objects, for statements on <c>s3:*</c>.</summary>
    S3,
}

/// <summary>One resource of a statement: <c>arn:aws:kms:::key/PATTERN</c>, <c>arn:aws:kms:::*</c>, <c>arn:aws:kms:::alias/NAME</c>, <c>*</c>.</summary>
/// <param name="Text">As written.</param>
/// <param name="Pattern">For <see cref="ResourceKind.Keys"/>, the pattern on ids.</param>
internal sealed record PolicyResource(string Text, ResourceKind Kind, string Pattern)
{
    /// <summary>The longest, in characters.</summary>
    public const int MaxLength = 256;

    private const string KmsPrefix = "arn:aws:kms:::";
    private const string S3Prefix = "arn:aws:s3:::";

    private static readonly SearchValues<char> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-*?");

    public static bool TryParse(string text, [NotNullWhen(true)] out PolicyResource? resource, [NotNullWhen(false)] out string? fault)
    {
        fault = null;
        resource = null;
        if (text == "*")
        {
            resource = new PolicyResource(text, ResourceKind.Everything, "*");
        }
        else if (text == $"{KmsPrefix}*")
        {
            resource = new PolicyResource(text, ResourceKind.Keys, "*");
        }
        else if (text.StartsWith($"{KmsPrefix}key/", StringComparison.Ordinal))
        {
            resource = new PolicyResource(text, ResourceKind.Keys, text[$"{KmsPrefix}key/".Length..]);
        }
        else if (text.StartsWith($"{KmsPrefix}alias/", StringComparison.Ordinal))
        {
            resource = new PolicyResource(text, ResourceKind.Alias, text[$"{KmsPrefix}alias/".Length..]);
        }
        else if (text.StartsWith(S3Prefix, StringComparison.Ordinal) && text.Length > S3Prefix.Length)
        {
            resource = new PolicyResource(text, ResourceKind.S3, "");
            return true;
        }

        if (resource is null)
        {
            fault = "is not arn:aws:kms:::key/ID, arn:aws:kms:::* or *";
        }
        else if (resource.Pattern.Length == 0 || resource.Pattern.AsSpan().ContainsAnyExcept(Alphabet))
        {
            fault = "does not end in a name of A-Z a-z 0-9 . _ - and the wildcards * ?";
            resource = null;
        }

        return resource is not null;
    }

    public bool Matches(string keyId) => Kind switch
    {
        ResourceKind.Everything => true,
        ResourceKind.Keys => Wildcard.Matches(Pattern, keyId),
        _ => false,
    };
}
