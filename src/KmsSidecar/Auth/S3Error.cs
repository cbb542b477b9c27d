namespace KmsSidecar.Auth;

/// <summary>A refusal in S3's XML, as RustFS and this daemon write it: one flat element with a code and a message.</summary>
internal static class S3Error
{
    private const int MaxCodeChars = 64;

    /// <summary>Empty when there is none.</summary>
    public static string CodeIn(string xml) =>
        Element(xml, "Code") is { Length: <= MaxCodeChars } code && code.All(char.IsAsciiLetterOrDigit) ? code : "";

    /// <summary>As it was sent, which may not be printable; null when there is none.</summary>
    public static string? MessageIn(string xml) => Element(xml, "Message")?
        .Replace("&lt;", "<", StringComparison.Ordinal)
        .Replace("&gt;", ">", StringComparison.Ordinal)
        .Replace("&quot;", "\"", StringComparison.Ordinal)
        .Replace("&apos;", "'", StringComparison.Ordinal)
        .Replace("&amp;", "&", StringComparison.Ordinal);

    private static string? Element(string xml, string name)
    {
        int start = xml.IndexOf($"<{name}>", StringComparison.Ordinal);
        int end = xml.IndexOf($"</{name}>", StringComparison.Ordinal);
        return start >= 0 && end > start ? xml[(start + name.Length + 2)..end] : null;
    }
}
