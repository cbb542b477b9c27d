using System.CommandLine;
using System.Globalization;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.Storage;
using KmsSidecar.Tls;

namespace KmsSidecar.CommandLine;

/// <summary><c>tls init</c>: a private CA and a server certificate, for those who have no other.</summary>
internal static class TlsCommand
{
    private const string DefaultDirectory = "/var/lib/kms-sidecar/tls";

    private static readonly Option<string> Target = new("--dir")
    {
        Description = "Where to write; made if missing",
        HelpName = "DIR",
        DefaultValueFactory = static _ => DefaultDirectory,
    };

    private static readonly Option<string[]> Names = new("--name")
    {
        Description = "Host name or address that clients use, beside localhost, 127.0.0.1 and ::1; repeatable",
        HelpName = "HOST",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private static readonly Option<bool> Force = new("--force")
    {
        Description = "Replace a CA that is there; every client must then be given the new one",
    };

    public static Command Build()
    {
        Command init = new(
            "init",
            "Make a private CA and a server certificate. The daemon renews that certificate before it ends; clients trust the CA. Root gives the files to the user who owns the directory.")
        {
            Target, Names, Force,
        };
        CommandRun.Set(init, static (result, _) => Task.FromResult(Initialise(result)));
        return new Command("tls", "Make certificates for the TLS listener.") { init };
    }

    private static int Initialise(ParseResult result)
    {
        string[] names = [.. ServerNames.Local.Concat(result.GetValue(Names) ?? []).Distinct(StringComparer.OrdinalIgnoreCase)];
        if (names.FirstOrDefault(static name => !ServerNames.IsGood(name)) is { } bad)
        {
            throw new CommandFault(ExitCode.Usage, $"--name {bad}: expected a host name or an address");
        }

        AuthorityDirectory directory = new(result.GetRequiredValue(Target), new SystemFileSteps());
        DirectoryOwner.ActAs(directory.FullPath);
        (DateTimeOffset authority, DateTimeOffset server) =
            directory.Initialise(TimeProvider.System.GetUtcNow(), names, result.GetValue(Force));
        Report(directory, names, authority, server);
        return ExitCode.Ok;
    }

    private static void Report(AuthorityDirectory directory, string[] names, DateTimeOffset authority, DateTimeOffset server)
    {
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            wrote to {directory.FullPath}:
              ca.pem          the CA, until {authority.UtcDateTime:yyyy-MM-dd}; clients trust this one
              ca-key.pem      its key; only the daemon needs it
              server.pem      for {string.Join(", ", names)}, until {server.UtcDateTime:yyyy-MM-dd}; the daemon renews it
              server-key.pem  its key

            next:
              kms-sidecar serve --tls-cert {directory.PathOf(AuthorityDirectory.Server)} --tls-key {directory.PathOf(AuthorityDirectory.ServerKey)}
            """));
        string authorityFile = directory.PathOf(AuthorityDirectory.Authority);
        if (DirectoryOwner.FindClosed(directory.FullPath) is { } closed)
        {
            const string Copy = "/etc/kms-sidecar/ca.pem";
            Console.Out.WriteLine($"  install -D -m 644 {authorityFile} {Copy}      (others cannot enter {closed})");
            authorityFile = Copy;
        }

        Console.Out.WriteLine($"  RustFS: SSL_CERT_FILE={authorityFile} and https://localhost:9020 as the endpoint");
    }
}
