using System.Globalization;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.Configuration;

namespace KmsSidecar.CommandLine.Service;

/// <summary><c>NAME=VALUE</c> on a command line, as members of a configuration.</summary>
internal static class SettingArguments
{
    private const string BackendType = "backend_type";

    /// <exception cref="CommandFault">One cannot be used. Its value is not repeated: it may be a secret.</exception>
    public static void Write(string[] settings, Utf8JsonWriter body)
    {
        HashSet<string> seen = [];
        foreach (string setting in settings)
        {
            int equals = setting.IndexOf('=');
            string name = equals > 0 ? setting[..equals] : throw new CommandFault(ExitCode.Usage, "settings are given as NAME=VALUE");
            if (!seen.Add(name))
            {
                throw new CommandFault(ExitCode.Usage, $"{name} is given twice");
            }

            WriteValue(body, name, setting[(equals + 1)..]);
        }
    }

    private static void WriteValue(Utf8JsonWriter body, string name, string value)
    {
        switch (KindOf(name))
        {
            case FieldKind.Secret or FieldKind.AuthMethod:
                throw new CommandFault(
                    ExitCode.Usage,
                    $"{name} is secret, and everybody on this machine can read command lines: put it into a document and use --file",
                    "kms-sidecar reconfigure -f -");
            case var _ when value.Length == 0:
                body.WriteNull(name);
                break;
            case FieldKind.Flag:
                body.WriteBoolean(name, value switch
                {
                    "true" => true,
                    "false" => false,
                    _ => throw new CommandFault(ExitCode.Usage, $"{name}: expected true or false"),
                });
                break;
            case FieldKind.Number:
                body.WriteNumber(
                    name,
                    long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
                        ? number
                        : throw new CommandFault(ExitCode.Usage, $"{name}: expected a whole number"));
                break;
            default:
                body.WriteString(name, value);
                break;
        }
    }

    private static FieldKind KindOf(string name)
    {
        if (name == BackendType)
        {
            return FieldKind.Text;
        }

        return ConfigurationField.Find(name)?.Kind ?? throw new CommandFault(
            ExitCode.Usage,
            $"there is no setting '{name}'; there are {BackendType}, {string.Join(", ", ConfigurationField.All.Select(static field => field.Name))}");
    }
}
