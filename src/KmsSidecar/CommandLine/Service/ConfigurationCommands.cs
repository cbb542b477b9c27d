using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.Crypto;

namespace KmsSidecar.CommandLine.Service;

/// <summary><c>configure</c>, <c>reconfigure</c> and <c>rollback</c>: what changes the configuration, or says what would change.</summary>
internal static class ConfigurationCommands
{
    private static readonly Option<string?> Document = new("--file", "-f")
    {
        Description = "JSON document, as the admin API takes it; - for standard input. One with a secret in it must be its owner's alone",
        HelpName = "FILE",
    };

    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Check it and say what would change, and change nothing" };

    private static readonly Option<string?> Generation = new("--generation")
    {
        Description = "Which configuration to go back to, a number of `kms-sidecar history` [default: the one before]",
        HelpName = "N",
    };

    private static readonly Argument<string[]> Settings = new("NAME=VALUE")
    {
        Description = "Settings to change; NAME= returns one to its default. Secrets are taken from a file only",
        Arity = ArgumentArity.ZeroOrMore,
    };

    public static IEnumerable<Command> Build() =>
    [
        AdminCommand.Build(
            new CommandHelp(
                "configure",
                "Give a service that does not run a whole configuration. It does not start the service.",
                """
                echo '{"backend_type":"local","key_dir":"/var/lib/rustfs/kms-keys","default_key_id":"objects-1"}' | kms-sidecar configure -f -
                """),
            static result => new AdminRequest(HttpMethod.Post, Route("configure", result), ReadDocument(result)),
            PrintConfigured,
            Document,
            DryRun),
        AdminCommand.Build(
            new CommandHelp(
                "reconfigure",
                "Change settings of the service, which goes on running. The others keep their values, and a change that fails changes nothing.",
                "kms-sidecar reconfigure cache_ttl_seconds=600 default_key_id=objects-2"),
            static result => new AdminRequest(HttpMethod.Post, Route("reconfigure", result), ReadChanges(result)),
            ChangeTable.PrintOutcome,
            Settings,
            Document,
            DryRun),
        AdminCommand.Build(
            new CommandHelp("rollback", "Go back to a former configuration. The backend of today goes on opening what it wrapped.", "kms-sidecar rollback --dry-run"),
            static result => new AdminRequest(HttpMethod.Post, Route("rollback", result), ReadGeneration(result)),
            ChangeTable.PrintOutcome,
            Generation,
            DryRun),
    ];

    private static string Route(string name, ParseResult result) => result.GetValue(DryRun) ? $"{name}?dry_run=true" : name;

    private static SecretBuffer ReadDocument(ParseResult result) => result.GetValue(Document) is { } path
        ? InputFile.ReadDocument(path)
        : throw new CommandFault(ExitCode.Usage, "configure needs a document: -f FILE, or -f - for standard input", "kms-sidecar configure --help");

    private static SecretBuffer ReadChanges(ParseResult result)
    {
        string[] settings = result.GetValue(Settings) ?? [];
        return (result.GetValue(Document), settings.Length) switch
        {
            ({ } path, 0) => InputFile.ReadDocument(path),
            (null, > 0) => AdminRequest.WriteBody(body => SettingArguments.Write(settings, body)),
            (null, 0) => throw new CommandFault(ExitCode.Usage, "reconfigure needs NAME=VALUE, or a document: -f FILE", "kms-sidecar reconfigure --help"),
            _ => throw new CommandFault(ExitCode.Usage, "NAME=VALUE and --file exclude each other"),
        };
    }

    private static SecretBuffer? ReadGeneration(ParseResult result) => result.GetValue(Generation) is { } number
        ? AdminRequest.WriteBody(body => body.WriteNumber("generation", ParseGeneration(number)))
        : null;

    /// <exception cref="CommandFault">It is no number.</exception>
    public static long ParseGeneration(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number > 0
            ? number
            : throw new CommandFault(ExitCode.Usage, $"'{text}' is not the number of a configuration", "kms-sidecar history");

    private static void PrintConfigured(JsonElement answer, TextWriter output)
    {
        ChangeTable.PrintOutcome(answer, output);
        if (answer.Flag("dry_run") != true)
        {
            output.WriteLine("next: kms-sidecar start");
        }
    }
}
