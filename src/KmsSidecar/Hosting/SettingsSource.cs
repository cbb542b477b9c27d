using KmsSidecar.Errors;
using KmsSidecar.Options;

namespace KmsSidecar.Hosting;

/// <summary>Where the settings of the daemon came from, to be asked again.</summary>
/// <param name="running">Those that it was started with.</param>
/// <param name="read">Reads flags, environment and file again.</param>
internal sealed class SettingsSource(OptionValues running, Func<OptionValues> read)
{
    /// <param name="restart">Names of the settings that are others than those that run, and are only read at a start.</param>
    /// <exception cref="KmsException">InvalidConfiguration, with every fault.</exception>
    public DaemonOptions Reread(out IReadOnlyList<string> restart)
    {
        OptionValues values = read();
        DaemonOptions options = DaemonOptions.From(values);
        if (values.Faults.Count > 0)
        {
            throw new KmsException(KmsError.InvalidConfiguration, string.Join("; ", values.Faults));
        }

        restart = [.. running.Differences(values).Where(static option => option != DaemonOption.LogLevel).Select(static option => option.FileKey)];
        return options;
    }
}
