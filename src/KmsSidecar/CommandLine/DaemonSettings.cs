using System.CommandLine;
using System.Globalization;
using KmsSidecar.Options;
using KmsSidecar.Storage;

namespace KmsSidecar.CommandLine;

/// <summary>The settings of the daemon as a command that works with them takes them: flags, environment, configuration file, credentials.</summary>
internal static class DaemonSettings
{
    private const string DefaultConfigFile = "/etc/kms-sidecar/kms-sidecar.conf";

    private static readonly Option<string?> ConfigFile = new("--config")
    {
        Description = $"Configuration file of `name = value` lines [default: {DefaultConfigFile}, if it is there]",
        HelpName = "FILE",
    };

    private static readonly Dictionary<DaemonOption, Option> Flags = DaemonOption.All.ToDictionary(static option => option, ToFlag);

    public static void AddTo(Command command) => AddTo(command, [.. DaemonOption.All]);

    /// <summary>For a command that takes some of them, from wherever the daemon takes them.</summary>
    public static void AddTo(Command command, params DaemonOption[] settings)
    {
        command.Options.Add(ConfigFile);
        foreach (DaemonOption setting in settings)
        {
            command.Options.Add(Flags[setting]);
        }
    }

    /// <param name="exitCode">What the first fault is worth.</param>
    public static OptionValues Read(ParseResult result, out int exitCode)
    {
        string path = result.GetValue(ConfigFile) ?? DefaultConfigFile;
        string[] lines = [];
        exitCode = ExitCode.Configuration;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            // The default file need not be there.
            if (result.GetValue(ConfigFile) is not null)
            {
                exitCode = ExitCode.Missing;
                return Unreadable($"cannot read {path}: it does not exist; write it, or name another with --config");
            }
        }
        catch (UnauthorizedAccessException)
        {
            exitCode = ExitCode.NoPermission;
            return Unreadable($"cannot read {path}: permission denied; run: chmod 644 {path}");
        }
        catch (IOException unreadable)
        {
            return Unreadable($"cannot read {path}: {unreadable.Message}");
        }

        return OptionValues.Collect(option => Given(result, option), Environment.GetEnvironmentVariable, path, lines, SystemCredential.Find);
    }

    private static Option ToFlag(DaemonOption option) => option.ValueName is null
        ? new Option<bool>(option.Flag) { Description = option.Help }
        : new Option<string[]>(option.Flag)
        {
            Description = string.Create(
                CultureInfo.InvariantCulture, $"{option.Help}{(option.IsRepeatable ? "; repeatable" : "")} [default: {option.Default}]"),
            HelpName = option.ValueName,
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = false,
        };

    private static OptionValues Unreadable(string fault)
    {
        OptionValues values = new();
        values.AddFault(fault);
        return values;
    }

    /// <summary>A switch that the command line does not name is left to the environment and the file.</summary>
    private static string[] Given(ParseResult result, DaemonOption option) => Flags[option] switch
    {
        Option<bool> flag => result.GetResult(flag) is { Implicit: false } ? [result.GetValue(flag) ? "true" : "false"] : [],
        Option<string[]> flag => result.GetValue(flag) ?? [],
        _ => [],
    };
}
