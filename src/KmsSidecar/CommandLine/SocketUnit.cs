namespace KmsSidecar.CommandLine;

/// <summary>What systemd listens on for this service, read from its unit files: to ask systemd takes more rights than <c>check</c> has.</summary>
/// <param name="root">Of the file system.</param>
internal sealed class SocketUnit(string root = "/")
{
    private const string Name = "kms-sidecar.socket";
    private const string Setting = "ListenStream=";

    /// <summary>Whether the unit is enabled and has this address.</summary>
    public bool Has(string address)
    {
        string own = Path.Join(root, "etc/systemd/system"), packaged = Path.Join(root, "usr/lib/systemd/system");
        if (!Path.Exists(Path.Join(own, "sockets.target.wants", Name)))
        {
            return false;
        }

        string unit = Path.Join(own, Name);
        string dropIns = Path.Join(own, $"{Name}.d");
        List<string> addresses = [];
        try
        {
            Read(File.Exists(unit) ? unit : Path.Join(packaged, Name), addresses);
            string[] edits = Directory.Exists(dropIns) ? Directory.GetFiles(dropIns, "*.conf") : [];
            Array.Sort(edits, StringComparer.Ordinal);
            foreach (string dropIn in edits)
            {
                Read(dropIn, addresses);
            }
        }
        catch (Exception hidden) when (hidden is IOException or UnauthorizedAccessException)
        {
            return false;
        }

        return addresses.Contains(address);
    }

    private static void Read(string file, List<string> addresses)
    {
        foreach (string line in File.ReadLines(file).Where(static line => line.StartsWith(Setting, StringComparison.Ordinal)))
        {
            string address = line[Setting.Length..].Trim();
            if (address.Length == 0)
            {
                addresses.Clear();
            }
            else
            {
                addresses.Add(address);
            }
        }
    }
}
