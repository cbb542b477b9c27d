namespace KmsSidecar.Backends;

/// <summary>The order of the UTF-8 bytes of two strings, which is RustFS's order of keys.</summary>
/// <remarks>Differs from ordinal order where a surrogate meets U+E000 to U+FFFF: it comes first in UTF-16, last in UTF-8.</remarks>
internal sealed class Utf8Order : IComparer<string>
{
    public static readonly Utf8Order Instance = new();

    private Utf8Order()
    {
    }

    public int Compare(string? x, string? y)
    {
        int at = x.AsSpan().CommonPrefixLength(y);
        if (x is null || y is null || at == x.Length || at == y.Length)
        {
            return string.CompareOrdinal(x, y);
        }

        return Rank(x[at]).CompareTo(Rank(y[at]));
    }

    private static int Rank(char unit) => char.IsSurrogate(unit) ? unit + char.MaxValue : unit;
}
