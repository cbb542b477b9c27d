namespace KmsSidecar.CommandLine.Doctor;

/// <summary>A unit of systemd as its files say it: to ask systemd takes more rights than these commands have.</summary>
/// <param name="name">With its type: <c>kms-sidecar.socket</c>.</param>
/// <param name="root">Of the file system.</param>
internal sealed class UnitFile(string name, string root = "/")
{
    private readonly string _own = Path.Join(root, "etc/systemd/system");

    /// <summary>The unit itself; null when there is none.</summary>
    public string? FullPath => ((string[])[Path.Join(_own, name), Path.Join(root, "usr/lib/systemd/system", name), Path.Join(root, "lib/systemd/system", name)])
        .FirstOrDefault(File.Exists);

    /// <summary>What the operator has added, in the order in which it counts.</summary>
    public IReadOnlyList<string> DropIns
    {
        get
        {
            string directory = Path.Join(_own, $"{name}.d");
            string[] edits = Directory.Exists(directory) ? Directory.GetFiles(directory, "*.conf") : [];
            Array.Sort(edits, StringComparer.Ordinal);
            return edits;
        }
    }

    /// <param name="target">Which starts it: <c>sockets.target</c>.</param>
    public bool IsEnabledBy(string target) => Path.Exists(Path.Join(_own, $"{target}.wants", name));

    /// <summary>The values of a setting that may be given several times; an empty one takes the former ones back.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be read.</exception>
    public IReadOnlyList<string> Values(string setting)
    {
        List<string> values = [];
        foreach (string file in ((IEnumerable<string?>)[FullPath, .. DropIns]).OfType<string>())
        {
            foreach (string line in File.ReadLines(file).Where(line => line.StartsWith($"{setting}=", StringComparison.Ordinal)))
            {
                string value = line[(setting.Length + 1)..].Trim();
                if (value.Length == 0)
                {
                    values.Clear();
                }
                else
                {
                    values.Add(value);
                }
            }
        }

        return values;
    }
}
