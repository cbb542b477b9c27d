using System.Buffers;

namespace KmsSidecar.Auth;

/// <summary>What the name of a key pair may look like.</summary>
internal static class AccessKeyRules
{
    public const int MaxChars = 128;

    private const int MinChars = 3;

    // Others would need escaping within Credential=, and curl from 8.21 on does escape them while other clients do not.
    private static readonly SearchValues<char> Alphabet =
        SearchValues.Create("-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Says why an access key cannot be used, without repeating it; null when it can.</summary>
    public static string? FindFault(string accessKey)
    {
        bool isUsable = accessKey.Length is >= MinChars and <= MaxChars && !accessKey.AsSpan().ContainsAnyExcept(Alphabet);
        return isUsable ? null : "the access key is not 3 to 128 characters of A-Z, a-z, 0-9, '.', '_', '~' and '-'";
    }
}
