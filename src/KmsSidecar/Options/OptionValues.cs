namespace KmsSidecar.Options;

/// <summary>The settings as text, from flags over environment over file over systemd credentials. Collects every fault instead of stopping at the first.</summary>
internal sealed class OptionValues
{
    private readonly Dictionary<DaemonOption, IReadOnlyList<OptionValue>> _values = [];
    private readonly List<string> _faults = [];

    public IReadOnlyList<string> Faults => _faults;

    /// <param name="flags">What the command line gave for each option; empty for those it did not name.</param>
    /// <param name="environment">Looks up a variable.</param>
    /// <param name="path">Of the configuration file, for faults.</param>
    /// <param name="lines">Lines of the configuration file, or none.</param>
    /// <param name="credentials">Finds the file of a systemd credential.</param>
    public static OptionValues Collect(
        Func<DaemonOption, IReadOnlyList<string>> flags,
        Func<string, string?> environment,
        string path,
        IEnumerable<string> lines,
        Func<string, string?> credentials)
    {
        OptionValues values = new();
        Dictionary<DaemonOption, List<OptionValue>> file = ConfigFile.Parse(path, lines, values._faults);
        foreach (DaemonOption option in DaemonOption.All)
        {
            IReadOnlyList<OptionValue> given = [.. flags(option).Select(text => new OptionValue(text, $"{option.Flag} {text}"))];
            given = given.Count > 0 ? given : FromEnvironment(option, environment(option.EnvironmentVariable));
            given = given.Count > 0 ? given : file.GetValueOrDefault(option, []);
            values.Take(option, given.Count > 0 ? given : FromCredential(option, credentials));
        }

        return values;
    }

    public void AddFault(string fault) => _faults.Add(fault);

    /// <param name="why">What is wrong with the value, or what is expected.</param>
    public void Refuse(OptionValue value, string why) => AddFault($"{value.Source}: {why}");

    /// <summary>Null when not given.</summary>
    public OptionValue? Find(DaemonOption option) => _values.TryGetValue(option, out IReadOnlyList<OptionValue>? given) ? given[^1] : null;

    /// <summary>Null when not given.</summary>
    public string? Text(DaemonOption option) => Find(option)?.Text;

    public IReadOnlyList<OptionValue> List(DaemonOption option) => _values.GetValueOrDefault(option, []);

    /// <summary>The options for which others say something else. A default is the same as nothing.</summary>
    public IEnumerable<DaemonOption> Differences(OptionValues others) =>
        DaemonOption.All.Where(option => Effective(option) != others.Effective(option));

    public bool Switch(DaemonOption option)
    {
        OptionValue? given = Find(option);
        if (given is { Text: not ("true" or "false" or "on" or "off") } other)
        {
            Refuse(other, "expected on or off");
        }

        return given is { Text: "true" or "on" };
    }

    /// <summary>An empty variable counts as none: that is how a unit file or a compose file takes one back.</summary>
    private static IReadOnlyList<OptionValue> FromEnvironment(DaemonOption option, string? variable)
    {
        if (string.IsNullOrEmpty(variable))
        {
            return [];
        }

        string[] texts = option.IsRepeatable
            ? variable.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            : [variable];
        return [.. texts.Select(text => new OptionValue(text, $"{option.EnvironmentVariable}={text}"))];
    }

    private static IReadOnlyList<OptionValue> FromCredential(DaemonOption option, Func<string, string?> credentials) =>
        option.Credential is { } name && credentials(name) is { } file
            ? [new OptionValue(file, $"systemd credential {name}", IsCredential: true)]
            : [];

    private string Effective(DaemonOption option) => Find(option) is not { } given ? option.Default
        : option.ValueName is not null ? string.Join('\n', List(option).Select(static value => value.Text))
        : given.Text is "true" or "on" ? "on"
        : "off";

    private void Take(DaemonOption option, IReadOnlyList<OptionValue> given)
    {
        if (given.Count == 0)
        {
            return;
        }

        _values[option] = given;
        if (given.Count > 1 && !option.IsRepeatable)
        {
            Refuse(given[^1], $"given {given.Count} times; it takes one value");
        }

        foreach (OptionValue empty in given.Where(static value => string.IsNullOrWhiteSpace(value.Text)))
        {
            Refuse(empty, "the value is empty");
        }
    }
}
