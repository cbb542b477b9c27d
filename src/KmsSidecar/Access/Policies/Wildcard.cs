namespace KmsSidecar.Access.Policies;

/// <summary>Patterns in which <c>*</c> is any number of characters and <c>?</c> is one.</summary>
internal static class Wildcard
{
    /// <summary>At most as many steps as the product of both lengths: a mismatch goes back to the last <c>*</c> only.</summary>
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        int p = 0;
        int t = 0;
        int afterStar = -1;
        int resume = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                afterStar = ++p;
                resume = t;
            }
            else if (p < pattern.Length && (pattern[p] == '?' || pattern[p] == text[t]))
            {
                p++;
                t++;
            }
            else if (afterStar >= 0)
            {
                // The last star takes one character more.
                p = afterStar;
                t = ++resume;
            }
            else
            {
                return false;
            }
        }

        return pattern[p..].IndexOfAnyExcept('*') < 0;
    }
}
