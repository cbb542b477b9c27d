using System.Globalization;
using KmsSidecar.Options;

namespace KmsSidecar.Manual;

/// <summary>kms-sidecar(8).</summary>
internal static class CommandPage
{
    public static string Write(CommandTree tree, string version, string date)
    {
        Roff page = new("kms-sidecar", 8, version, date);
        string[] summary = tree.Summary.Split(": ", 2);
        page.Section("NAME");
        page.Text($"kms-sidecar - {char.ToLowerInvariant(summary[0][0])}{summary[0][1..]}");
        page.Section("SYNOPSIS");
        page.Usage(tree.Commands.Where(static command => command.IsLeaf).Select(static command => ($"kms-sidecar {command.Path}", Usage(command))));
        page.Section("DESCRIPTION");
        page.Text($"{char.ToUpperInvariant(summary[1][0])}{summary[1][1..]}");
        page.Paragraph("Settings may also be in a file: kms-sidecar.conf(5).");
        WriteCommands(page, tree);
        WriteExitStatus(page, tree);
        WriteSignals(page);
        WriteEnvironment(page);
        WriteFiles(page);
        WriteExamples(page);
        page.Section("SEE ALSO");
        page.Text("kms-sidecar.conf(5), systemd.socket(5), systemd.exec(5), systemd-creds(1), /usr/share/doc/kms-sidecar/docs");
        return page.ToString();
    }

    private static string Usage(CommandEntry command) => string.Concat(command.Arguments.Select(static argument => $"{argument.Usage} ")) + string.Concat(
        command.Options.Where(static option => option.IsRequired).Select(static option => $"{option.Name} {option.ValueName} ")) + "[OPTION]...";

    private static void WriteCommands(Roff page, CommandTree tree)
    {
        page.Section("COMMANDS");
        List<CommandEntry> written = [];
        foreach (CommandEntry command in tree.Commands.Where(static command => command.IsLeaf))
        {
            page.Part(command.Path);
            page.Text(command.Description);
            if (!command.Examples.IsEmpty)
            {
                page.Example(string.Join('\n', command.Examples));
            }

            WriteArguments(page, command);
            if (written.Find(other => other.Options.SequenceEqual(command.Options)) is { } same)
            {
                page.Paragraph($"Its options are those of {same.Path}.");
                continue;
            }

            WriteOptions(page, command);
            written.Add(command);
        }

        page.Part("without a command");
        WriteOptions(page, tree.Commands[0]);
    }

    private static void WriteArguments(Roff page, CommandEntry command)
    {
        foreach (ArgumentEntry argument in command.Arguments)
        {
            page.Entry(argument.Name, null, argument.Description);
        }
    }

    private static void WriteOptions(Roff page, CommandEntry command)
    {
        foreach (OptionEntry option in command.Options)
        {
            page.Entry(option.Letter is { } letter ? $"{letter}, {option.Name}" : option.Name, option.ValueName, option.IsRequired ? $"{option.Description}. Required." : option.Description);
        }
    }

    private static void WriteExitStatus(Roff page, CommandTree tree)
    {
        page.Section("EXIT STATUS");
        foreach ((int code, string meaning) in tree.ExitCodes)
        {
            page.Entry(code.ToString(CultureInfo.InvariantCulture), null, meaning);
        }
    }

    private static void WriteSignals(Roff page)
    {
        page.Section("SIGNALS");
        page.Entry("SIGTERM, SIGINT, SIGQUIT", null, "The daemon takes no new request, finishes those that it has, and ends.");
        page.Entry("SIGHUP", null, "The daemon reads the log level, certificates, credentials and users again. What is wrong with them is logged, and what it had stays; other settings that have changed are named, and wait for a restart.");
    }

    private static void WriteEnvironment(Roff page)
    {
        page.Section("ENVIRONMENT");
        page.Entry(
            "KMS_SIDECAR_NAME",
            null,
            $"Each option of serve, such as {DaemonOption.StateDir.EnvironmentVariable} for {DaemonOption.StateDir.Flag}; values of one that is repeatable are separated by commas. Options win over the environment, and that over the file.");
        page.Entry("RUSTFS_ACCESS_KEY, RUSTFS_SECRET_KEY", null, $"Root credentials, where {DaemonOption.CredentialsFile.Flag} is not given; also what a command signs with.");
        page.Entry("KMS_SIDECAR_ENDPOINT", null, "Where the commands that ask a daemon find it, unless --endpoint or --admin-socket says so; with neither, they take the admin socket.");
        page.Entry(
            "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE, AWS_REGION, AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE",
            null,
            "As the AWS tools take them: what a command signs with, where RUSTFS_ACCESS_KEY is not set.");
        page.Entry("NO_COLOR", null, "Set to anything, there are no colours.");
        page.Entry("CREDENTIALS_DIRECTORY, LISTEN_FDS, NOTIFY_SOCKET, WATCHDOG_USEC", null, "Set by systemd for a unit with credentials, sockets, Type=notify and a watchdog.");
    }

    private static void WriteFiles(Roff page)
    {
        page.Section("FILES");
        page.Entry("/etc/kms-sidecar/kms-sidecar.conf", null, "Settings: kms-sidecar.conf(5).");
        page.Entry("/etc/credstore/kms-sidecar.*, /etc/credstore.encrypted/kms-sidecar.*", null, "Secrets that systemd hands to the service.");
        page.Entry(DaemonOption.StateDir.Default, null, $"{DaemonOption.StateDir.Help}: {DaemonOption.StateDir.Flag}.");
        page.Entry("/var/lib/rustfs/kms-keys", null, "The key directory that the packaged service may write, beside those in its state directory.");
        page.Entry(DaemonOption.Socket.Default, null, $"{DaemonOption.Socket.Help}: {DaemonOption.Socket.Flag}.");
        page.Entry(DaemonOption.AdminSocket.Default, null, $"{DaemonOption.AdminSocket.Help}: {DaemonOption.AdminSocket.Flag}.");
    }

    private static void WriteExamples(Roff page)
    {
        page.Section("EXAMPLES");
        page.Text("Try it, without installing anything:");
        page.Example("kms-sidecar serve --dev");
        page.Paragraph("Configure the packaged service with a local key directory, and start it:");
        page.Example("""
            echo '{"backend_type":"local","key_dir":"/var/lib/rustfs/kms-keys","default_key_id":"objects-1"}' | kms-sidecar configure -f -
            kms-sidecar start
            """);
        page.Paragraph("Rotate to a new default key, on another machine:");
        page.Example("""
            export KMS_SIDECAR_ENDPOINT=https://node7:9020 AWS_PROFILE=kms
            kms-sidecar keys create objects-2
            kms-sidecar reconfigure default_key_id=objects-2
            """);
        page.Paragraph("Ask it for a data key:");
        page.Example("curl --unix-socket /run/kms-sidecar/kms.sock -d '{}' http://kms/v1/generate-data-key");
        page.Paragraph("Who may do what, and which statement decides:");
        page.Example("kms-sidecar policy check --user rustfs-node --action kms:Decrypt --resource objects-1");
    }
}
