using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using KmsSidecar.Backends.Local;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;
using KmsSidecar.Crypto;
using KmsSidecar.Options;
using KmsSidecar.Sealing;
using KmsSidecar.Storage;

namespace KmsSidecar.CommandLine.Keys;

/// <summary><c>keys import</c> and <c>keys export</c>: between RustFS's key directories and this service's, which have one format.</summary>
internal static class KeyTransferCommands
{
    private static readonly Option<string> From = new("--from") { Description = "Key directory to read; it is not changed", HelpName = "DIR", Required = true };

    private static readonly Option<string> To = new("--to")
    {
        Description = "Key directory to write; made if missing, and nothing in it is written over",
        HelpName = "DIR",
        Required = true,
    };

    private static readonly Option<string?> FromMasterKey = MasterKeyOption("--from-master-key-file", "that of --from");
    private static readonly Option<string?> ToMasterKey = MasterKeyOption("--to-master-key-file", "that of --to");

    private static readonly Option<string> StateDirectory = new("--state-dir")
    {
        Description = $"Where the node's own master key is [default: {DaemonOption.StateDir.Default}]",
        HelpName = "DIR",
        DefaultValueFactory = static _ => DaemonOption.StateDir.Default,
    };

    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Say what would become of each key, and change nothing" };

    public static IEnumerable<Command> Build() =>
    [
        Build(
            "import",
            "Copy the keys of a RustFS directory into one of this service, sealed under its master key. Stop the daemon that uses --to first, or copy into a new directory and reconfigure to that.",
            forRustFs: false),
        Build(
            "export",
            "Copy keys into a directory that RustFS opens with its master key. Keys that were rotated stay: RustFS knows one version of a key. The daemon may go on running.",
            forRustFs: true),
    ];

    private static Option<string?> MasterKeyOption(string name, string whose) => new(name)
    {
        Description = $"File with {whose}: one line, RustFS's RUSTFS_KMS_LOCAL_MASTER_KEY [default: the node's]",
        HelpName = "FILE",
    };

    private static Command Build(string name, string description, bool forRustFs)
    {
        Command command = new(name, description) { From, To, FromMasterKey, ToMasterKey, StateDirectory, DryRun, DaemonConnection.Json };
        CommandRun.Set(command, (result, _) => Task.FromResult(Transfer(result, name, forRustFs)));
        return command;
    }

    private static int Transfer(ParseResult result, string name, bool forRustFs)
    {
        using SecretBytes from = ReadMasterKey(result, FromMasterKey);
        using SecretBytes to = ReadMasterKey(result, ToMasterKey);
        using KeyTransfer transfer = new(
            new TransferEnd(result.GetRequiredValue(From), from),
            new TransferEnd(result.GetRequiredValue(To), to),
            forRustFs,
            result.GetValue(DryRun),
            new SystemFileSteps(),
            new DirectoryLocks());
        return Report(transfer.Run(), name, result.GetValue(DryRun), result.GetValue(DaemonConnection.Json));
    }

    private static SecretBytes ReadMasterKey(ParseResult result, Option<string?> option)
    {
        string? file = result.GetValue(option) ?? SystemCredential.Find(DaemonOption.MasterKeyFile.Credential!);
        return MasterKeyFile.Read(file ?? Path.Join(result.GetValue(StateDirectory), NodeMasterKey.FileName), minLength: 1);
    }

    private static int Report(IEnumerable<TransferredKey> keys, string verb, bool dryRun, bool asJson)
    {
        List<TransferredKey> done = [];
        foreach (TransferredKey key in keys)
        {
            done.Add(key);
            if (!asJson)
            {
                Console.Out.WriteLine($"{Say(key.Outcome, verb, dryRun),-16} {key.KeyId}  ({key.Detail})");
            }
        }

        int good = done.Count(static key => key.Outcome is TransferOutcome.Transferred or TransferOutcome.AlreadyThere);
        if (asJson)
        {
            WriteJson(done, dryRun);
        }
        else
        {
            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{done.Count} keys: {done.Count(static key => key.Outcome == TransferOutcome.Transferred)} {(dryRun ? $"would be {verb}ed" : $"{verb}ed")}, {done.Count(static key => key.Outcome == TransferOutcome.AlreadyThere)} already there, {done.Count - good} not"));
        }

        return good == done.Count ? ExitCode.Ok : ExitCode.Refused;
    }

    private static string Say(TransferOutcome outcome, string verb, bool dryRun) => outcome switch
    {
        TransferOutcome.Transferred => dryRun ? $"would {verb}" : $"{verb}ed",
        TransferOutcome.AlreadyThere => "already there",
        TransferOutcome.Conflict => "conflict",
        TransferOutcome.Rotated => "rotated",
        TransferOutcome.BeingDestroyed => "being destroyed",
        _ => "unreadable",
    };

    private static void WriteJson(List<TransferredKey> keys, bool dryRun)
    {
        JsonText.Write(writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("dry_run", dryRun);
            writer.WriteStartArray("keys");
            foreach (TransferredKey key in keys)
            {
                writer.WriteStartObject();
                writer.WriteString("key_id", key.KeyId);
                writer.WriteString("outcome", JsonNamingPolicy.SnakeCaseLower.ConvertName(key.Outcome.ToString()));
                writer.WriteString("detail", key.Detail);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }
}
