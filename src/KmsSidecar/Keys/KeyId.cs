using System.Buffers;

namespace KmsSidecar.Keys;

/// <summary>What a key may be called when it is made here: 1 to 128 of <c>[A-Za-z0-9._-]</c>, not starting with a dot.</summary>
/// <remarks>Keys that another program wrote may have other names; they are looked up by the name they have, never turned into a path.</remarks>
internal static class KeyId
{
    public const int MaxLength = 128;

    private static readonly SearchValues<char> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    public static bool IsLegal(string id) =>
        id.Length is > 0 and <= MaxLength && id[0] != '.' && !id.AsSpan().ContainsAnyExcept(Alphabet);

    public static string NewRandom() => Guid.NewGuid().ToString("D");
}
