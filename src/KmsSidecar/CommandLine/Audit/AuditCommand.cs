using System.CommandLine;
using System.Text;
using KmsSidecar.Audit;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Options;

namespace KmsSidecar.CommandLine.Audit;

/// <summary><c>audit verify</c> checks the log of operations, <c>audit show</c> finds lines in it. Neither needs a running daemon.</summary>
internal static class AuditCommand
{
    private static readonly Option<string?> Key = new("--key")
    {
        Description = "Trust heads that are signed with this public key, in PEM, and no others; for a copy of the log off its node",
        HelpName = "FILE",
    };

    private static readonly Option<string?> KeyId = new("--key-id") { Description = "Lines about this key", HelpName = "ID" };

    private static readonly Option<string?> Result = new("--result") { Description = "Lines with this result: ok, or an error's code", HelpName = "CODE" };

    private static readonly Option<string?> RequestId = new("--request-id") { Description = "Lines of this request", HelpName = "ID" };

    private static readonly Option<string?> Context = new("--context")
    {
        Description = "Lines with this encryption context, whole; takes the node's state directory, whose key hashes contexts",
        HelpName = "JSON",
    };

    private static readonly Option<string?> Last = new("--last") { Description = "So many lines, the newest ones [default: 20]", HelpName = "N" };

    public static Command Build()
    {
        Command verify = new(
            "verify",
            $"Check that the audit log is as the daemon wrote it: nothing changed, removed, moved or cut off. Ends with {ExitCode.Refused} and the places where it is not.")
        {
            Key, DaemonConnection.Json,
        };
        CommandRun.Set(verify, static (result, _) => Task.FromResult(Run(result, Verify)));
        Command show = new("show", "Print lines of the audit log, as they are.") { KeyId, Result, RequestId, Context, Last };
        CommandRun.Set(show, static (result, _) => Task.FromResult(Run(result, Show)));
        Command audit = new("audit", "Check and search the log of operations.") { verify, show };
        DaemonOption[] settings = [DaemonOption.AuditDir, DaemonOption.StateDir, DaemonOption.MasterKeyFile];
        DaemonSettings.AddTo(verify, settings);
        DaemonSettings.AddTo(show, settings);
        return audit;
    }

    private static int Run(ParseResult result, Func<ParseResult, DaemonOptions, int> command)
    {
        OptionValues values = DaemonSettings.Read(result, out int exitCode);
        DaemonOptions options = DaemonOptions.From(values);
        return values.Faults.Count == 0 ? command(result, options) : throw new CommandFault(exitCode, string.Join("; ", values.Faults));
    }

    private static int Verify(ParseResult result, DaemonOptions options)
    {
        string directory = AuditOptions.DirectoryOf(options);
        using AuditKeys keys = new();
        AuditPosition? known = null;
        List<string> notes = [];
        if (result.GetValue(Key) is { } trusted)
        {
            keys.AddFile(trusted);
            notes.Add("whether the end of the log was cut off is known on its node only: records behind the last head may be missing");
        }
        else if (AuditNode.TryOpen(options, out AuditNode? node, out string? why))
        {
            using (node)
            {
                known = node.AddTo(keys);
            }
        }
        else
        {
            AddKeysBeside(directory, keys);
            notes.Add($"{why}: the keys beside the log are trusted, and whether its end was cut off is not known; on the node run it as root, elsewhere give --key");
        }

        AuditVerifier verifier = new(keys, known);
        using (AuditProgress progress = new())
        {
            verifier.Verify(directory, progress.Tell);
        }

        notes.ForEach(verifier.Report.AddNote);
        if (result.GetValue(DaemonConnection.Json))
        {
            JsonText.Write(writer => AuditReportWriter.WriteTo(writer, verifier.Report));
        }
        else
        {
            AuditReportWriter.WriteTo(Console.Out, verifier.Report, directory);
        }

        return verifier.Report.FaultCount > 0 ? ExitCode.Refused
            : verifier.Report.Records == 0 ? ExitCode.Missing
            : ExitCode.Ok;
    }

    private static void AddKeysBeside(string directory, AuditKeys keys)
    {
        foreach (string path in Directory.Exists(directory) ? Directory.GetFiles(directory, "key-*.pem") : [])
        {
            keys.AddFile(path);
        }
    }

    private static int Show(ParseResult result, DaemonOptions options)
    {
        if (!int.TryParse(result.GetValue(Last) ?? "20", out int count) || count <= 0)
        {
            throw new CommandFault(ExitCode.Usage, "--last: expected a number, 1 or more");
        }

        AuditSearch search = new();
        search.Require("key_id", result.GetValue(KeyId));
        search.Require("result", result.GetValue(Result));
        search.Require("request_id", result.GetValue(RequestId));
        if (result.GetValue(Context) is { } context)
        {
            search.Require("context_hash", HashOf(context, options));
        }

        foreach (byte[] line in search.FindLast(AuditOptions.DirectoryOf(options), count))
        {
            Console.Out.WriteLine(Encoding.UTF8.GetString(line));
        }

        return ExitCode.Ok;
    }

    private static string HashOf(string json, DaemonOptions options)
    {
        byte[] text = Encoding.UTF8.GetBytes(json);
        EncryptionContext context = EncryptionContext.Parse(text, out string? fault)
            ?? throw new KmsException(KmsError.InvalidConfiguration, $"--context: {fault}");
        if (!AuditNode.TryOpen(options, out AuditNode? node, out string? why))
        {
            throw new KmsException(KmsError.StorageFailed, FaultCause.NoPermission, $"{why}: contexts are hashed with a key of the node");
        }

        using (node)
        {
            return node.HashContext(context.CanonicalBytes);
        }
    }
}
