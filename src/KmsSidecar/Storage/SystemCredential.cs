namespace KmsSidecar.Storage;

/// <summary>Credentials that systemd passes to a unit (systemd.exec(5), LoadCredential=).</summary>
internal static class SystemCredential
{
    /// <summary>Names the directory that they are in.</summary>
    public const string Variable = "CREDENTIALS_DIRECTORY";

    private static string? FullPath => Environment.GetEnvironmentVariable(Variable);

    /// <summary>The path of a credential; null when there is none of that name.</summary>
    public static string? Find(string name)
    {
        string path = Path.Join(FullPath, name);
        return !string.IsNullOrEmpty(FullPath) && File.Exists(path) ? path : null;
    }

    /// <summary>Whether a path leads to a credential.</summary>
    public static bool Contains(string path) =>
        !string.IsNullOrEmpty(FullPath) && Path.GetDirectoryName(path) == Path.TrimEndingDirectorySeparator(FullPath);
}
