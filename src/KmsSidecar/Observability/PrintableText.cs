using System.Globalization;
using System.Text;

namespace KmsSidecar.Observability;

/// <summary>What another program said, as one line that can stand in a status or a log.</summary>
internal static class PrintableText
{
    /// <summary>The longest known message of RustFS or Vault, with three prefixes, has some 250.</summary>
    public const int MaxChars = 400;

    public static string Of(string text, int maxChars = MaxChars)
    {
        StringBuilder line = new(Math.Min(text.Length, maxChars));
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (line.Length >= maxChars - 1)
            {
                return line.Append('…').ToString();
            }

            line.Append(IsPrintable(rune) ? rune : new Rune(' '));
        }

        return line.ToString();
    }

    /// <summary>No control characters, and none that only change how others look.</summary>
    public static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
