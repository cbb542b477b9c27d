using System.Buffers;

namespace KmsSidecar.Auth;

/// <summary>RFC 9110, section 5.6.2: the alphabet of methods, header names and authentication schemes.</summary>
internal static class HttpToken
{
    private static readonly SearchValues<char> Alphabet =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    public static bool IsValid(ReadOnlySpan<char> text, int maxChars) =>
        !text.IsEmpty && text.Length <= maxChars && !text.ContainsAnyExcept(Alphabet);
}
