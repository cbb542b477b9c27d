using KmsSidecar.Options;

namespace KmsSidecar.Manual;

/// <summary>kms-sidecar.conf(5).</summary>
internal static class SettingsPage
{
    public static string Write(string version, string date)
    {
        Roff page = new("kms-sidecar.conf", 5, version, date);
        page.Section("NAME");
        page.Text("kms-sidecar.conf - settings of kms-sidecar(8)");
        page.Section("DESCRIPTION");
        page.Text("Each line is empty, a comment that begins with #, or one setting:");
        page.Example("name = value");
        page.Paragraph(
            "A setting that is repeatable has a line for each of its values. Options on the command line and variables in the environment win over the file; kms-sidecar check names each line that is wrong. Most settings are read when the daemon starts: systemctl restart kms-sidecar refuses no request.");
        page.Section("SETTINGS");
        foreach (DaemonOption option in DaemonOption.All)
        {
            page.Entry($"{option.FileKey} =", option.ValueName ?? "true|false", $"{option.Help}.");
            page.Break($"Default: {option.Default}.{(option.IsRepeatable ? " Repeatable." : "")} Also {option.Flag} and {option.EnvironmentVariable}.");
        }

        page.Section("FILES");
        page.Entry("/etc/kms-sidecar/kms-sidecar.conf", null, "Where the file is unless --config names another.");
        page.Section("SEE ALSO");
        page.Text("kms-sidecar(8)");
        return page.ToString();
    }
}
