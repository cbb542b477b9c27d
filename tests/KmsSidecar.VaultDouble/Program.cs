using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;
using KmsSidecar.Doubles.Core;
using KmsSidecar.Doubles.Http;

namespace KmsSidecar.Doubles;

/// <summary>The double as a process of its own, for shell scripts. Ends with SIGTERM or SIGINT.</summary>
internal static class Program
{
    private const string Usage = $"""
        A double of OpenBao 2.6.2 for tests, on loopback alone. It starts unsealed, with no mount but the built-in ones.

          --listen 127.0.0.1:PORT   0 or none for a port that is free
          --ready-file FILE         the address is written to it once the port is open
          --tls-cert FILE --tls-key FILE   PEM, for https
          --root-token-file FILE    the root token: read if the file is there, else made up and written to it

        {ControlDoor.Help}
        """;

    private static async Task<int> Main(string[] args)
    {
        Dictionary<string, string> given = [];
        for (int i = 0; i < args.Length; i += 2)
        {
            if (args[i] is not ("--listen" or "--ready-file" or "--tls-cert" or "--tls-key" or "--root-token-file") || i + 1 == args.Length)
            {
                Console.WriteLine(Usage);
                return args[i] == "--help" ? 0 : 64;
            }

            given[args[i]] = args[i + 1];
        }

        string listen = given.GetValueOrDefault("--listen", "127.0.0.1:0");
        if (!listen.StartsWith("127.0.0.1:", StringComparison.Ordinal) || !ushort.TryParse(listen["127.0.0.1:".Length..], out ushort port))
        {
            await Console.Error.WriteLineAsync("--listen takes 127.0.0.1:PORT: the double is for loopback alone.");
            return 64;
        }

        await RunAsync(given, port);
        return 0;
    }

    private static async Task RunAsync(Dictionary<string, string> given, int port)
    {
        TaskCompletionSource end = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        string? tokenFile = given.GetValueOrDefault("--root-token-file");
        using X509Certificate2? certificate = given.TryGetValue("--tls-cert", out string? file)
            ? X509Certificate2.CreateFromPemFile(file, given.GetValueOrDefault("--tls-key"))
            : null;
        await using VaultDouble vault = await VaultDouble.StartAsync(new VaultDoubleOptions
        {
            Clock = new ShiftedClock(),
            Port = port,
            Certificate = certificate,
            RootToken = File.Exists(tokenFile) ? (await File.ReadAllTextAsync(tokenFile)).Trim() : null,
        });
        if (tokenFile is not null)
        {
            await File.WriteAllTextAsync(tokenFile, $"{vault.RootToken}\n");
        }

        string address = vault.Address.GetLeftPart(UriPartial.Authority);
        Console.WriteLine(address);
        if (given.TryGetValue("--ready-file", out string? readyFile))
        {
            // Whole or not at all: scripts wait for the file and read it at once.
            await File.WriteAllTextAsync($"{readyFile}.new", $"{address}\n");
            File.Move($"{readyFile}.new", readyFile, overwrite: true);
        }

        await end.Task;

        void End(PosixSignalContext context)
        {
            context.Cancel = true;
            end.TrySetResult();
        }
    }
}
