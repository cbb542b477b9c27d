namespace KmsSidecar.Hosting;

/// <summary>Credentials that systemd passes to a unit (systemd.exec(5), LoadCredential=).</summary>
internal static class SystemCredential
{
    /// <summary>The path of a credential; null when there is none of that name.</summary>
    public static string? Find(string name)
    {
        string? directory = Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY");
        string path = Path.Join(directory, name);
        return !string.IsNullOrEmpty(directory) && File.Exists(path) ? path : null;
    }
}
