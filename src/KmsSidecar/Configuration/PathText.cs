namespace KmsSidecar.Configuration;

/// <summary>What may stand in a path of Vault's: a mount or the beginning of a key's path, which no escape is needed for.</summary>
internal static class PathText
{
    /// <summary>One or more parts of <c>[A-Za-z0-9._-]</c> with single slashes between them; no part begins with a dot.</summary>
    public static bool IsMount(string text) => text.Split('/').All(static part =>
        part.Length > 0 && part[0] != '.' && part.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'));
}
