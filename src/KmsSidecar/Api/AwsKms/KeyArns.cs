using System.Diagnostics.CodeAnalysis;

namespace KmsSidecar.Api.AwsKms;

/// <summary>ARNs of the keys here: <c>arn:aws:kms:REGION:000000000000:key/ID</c>, and <c>…:alias/NAME</c>.</summary>
/// <param name="region">Of the ARNs that are written.</param>
/// <param name="takesAnyRegion">In the ARNs that are read.</param>
internal sealed class KeyArns(string region, bool takesAnyRegion)
{
    /// <summary>There are no accounts here; the number keeps ARNs in their form.</summary>
    public const string Account = "000000000000";

    private const int MaxReferenceLength = 2048;

    public string OfKey(string keyId) => Of($"key/{keyId}");

    /// <param name="name">With its <c>alias/</c>.</param>
    public string OfAlias(string name) => Of(name);

    /// <summary>Checks how a caller names a key, as far as that can be done without looking for it.</summary>
    /// <returns>The same; null for null.</returns>
    /// <exception cref="AwsException">Empty or too long; an ARN that is malformed, of another service, or of another place.</exception>
    [return: NotNullIfNotNull(nameof(reference))]
    public string? Check(string? reference, string member)
    {
        if (reference is null)
        {
            return null;
        }

        if (reference.Length is 0 or > MaxReferenceLength)
        {
            throw AwsException.Invalid($"{member} must be 1 to {MaxReferenceLength} characters long");
        }

        if (!reference.StartsWith("arn:", StringComparison.Ordinal))
        {
            return reference;
        }

        string[] parts = reference.Split(':', 6);
        if (parts is not ["arn", "aws", "kms", _, _, ['k', 'e', 'y', '/', _, ..] or ['a', 'l', 'i', 'a', 's', '/', _, ..]])
        {
            throw new AwsException(AwsErrorCode.InvalidArnException, $"{member} is not the ARN of a key: expecting {OfKey("ID")}");
        }

        return (takesAnyRegion || parts[3] == region) && parts[4] == Account
            ? reference
            : throw new AwsException(AwsErrorCode.NotFoundException, $"{member} is the ARN of a key elsewhere: those of this service are {OfKey("ID")}");
    }

    /// <summary>As <see cref="Check"/>, where there has to be one.</summary>
    public string Require(string? reference, string member) => Check(reference ?? throw AwsException.Missing(member), member);

    private string Of(string resource) => $"arn:aws:kms:{region}:{Account}:{resource}";
}
