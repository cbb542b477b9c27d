namespace KmsSidecar.Options;

/// <summary>Reads the configuration file: <c>name = value</c> lines, empty lines, and comments that begin with <c>#</c>.</summary>
internal static class ConfigFile
{
    /// <param name="path">For faults.</param>
    /// <param name="faults">Receives what is wrong with lines.</param>
    public static Dictionary<DaemonOption, List<OptionValue>> Parse(string path, IEnumerable<string> lines, ICollection<string> faults)
    {
        Dictionary<DaemonOption, List<OptionValue>> read = [];
        int number = 0;
        foreach (string line in lines.Select(static line => line.Trim()))
        {
            number++;
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            int equals = line.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? line : line[..equals].TrimEnd();
            DaemonOption? option = DaemonOption.All.FirstOrDefault(known => known.FileKey == name);
            if (equals < 0 || option is null)
            {
                faults.Add($"{path}, line {number}: {(equals < 0 ? "not of the form name = value" : $"there is no setting '{name}'")}");
                continue;
            }

            if (!read.TryGetValue(option, out List<OptionValue>? values))
            {
                read[option] = values = [];
            }

            string value = line[(equals + 1)..].Trim();
            values.Add(new OptionValue(value, $"{path}, line {number}: {name} = {value}"));
        }

        return read;
    }
}
