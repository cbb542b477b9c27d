using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;

namespace KmsSidecar.Bench.Load;

/// <summary>The command line of the load tool. Exits with 0 only when every request was answered with a data key.</summary>
internal static class LoadCommand
{
    private const int DefaultSeconds = 5;
    private const double MaxWarmupSeconds = 10;

    public static Command Create()
    {
        Option<EndPoint> target = new("--target")
        {
            Description = "Path of a Unix socket, or a loopback ADDRESS:PORT.",
            Required = true,
            CustomParser = ParseTarget,
        };
        Option<Protocol> protocol = new("--protocol") { Description = "native: the data socket; reference: bench/reference; aws: the AWS KMS API, on TCP signed with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; vault: Transit with the token VAULT_TOKEN and the key VAULT_KEY." };
        Option<Operation> operation = new("--operation") { Description = "What each request asks for." };
        Option<int> batch = BoundedOption.Create("--batch", "Data keys in one request of native generate.", 1, 1, LoadOptions.MaxBatch);
        Option<int> keys = BoundedOption.Create("--keys", "Data keys of each connection that decrypt opens in turn, each twice in a row.", 1, 1, LoadOptions.MaxKeys);
        Option<int> connections = BoundedOption.Create("--connections", "Connections, each with a thread.", 1, 1, LoadOptions.MaxConnections);
        Option<double> warmup = BoundedOption.Create("--warmup", "Seconds before measuring.", 1.0, 0, MaxWarmupSeconds);
        Option<int> duration = BoundedOption.Create("--duration", "Seconds to measure.", DefaultSeconds, 1, LoadOptions.MaxDurationSeconds);
        Option<int> rate = BoundedOption.Create("--rate", "Requests per second over all connections; 0: closed loop.", 0, 0, LoadOptions.MaxRate);
        Option<string?> tlsAuthority = new("--tls-ca") { Description = "Speak TLS, and trust this PEM file for it." };
        Option<bool> reconnect = new("--reconnect") { Description = "Open a connection again that the server ends between two requests: for a server that is restarted meanwhile." };
        Option<int?> serverPid = new("--server-pid") { Description = "Process whose CPU time is reported per request." };

        Command command = new("load", "Puts a server on this machine under load and prints one line of figures.")
        {
            target, protocol, operation, batch, keys, connections, warmup, duration, rate, serverPid, tlsAuthority, reconnect,
        };
        command.SetAction(parsed => Run(new LoadOptions(
            parsed.GetRequiredValue(target),
            parsed.GetValue(protocol),
            parsed.GetValue(operation),
            parsed.GetValue(batch),
            parsed.GetValue(keys),
            parsed.GetValue(connections),
            TimeSpan.FromSeconds(parsed.GetValue(warmup)),
            TimeSpan.FromSeconds(parsed.GetValue(duration)),
            parsed.GetValue(rate),
            parsed.GetValue(serverPid),
            parsed.GetValue(tlsAuthority),
            parsed.GetValue(reconnect))));
        return command;
    }

    private static EndPoint? ParseTarget(ArgumentResult result)
    {
        if (!LocalTarget.TryParse(result.Tokens.Single().Value, out EndPoint? endPoint, out string? problem))
        {
            result.AddError(problem);
        }

        return endPoint;
    }

    private static int Run(LoadOptions options)
    {
        LoadReport report;
        try
        {
            report = LoadRun.Execute(options);
        }
        catch (Exception failed) when (failed is IOException or SocketException or ArgumentException or InvalidOperationException
            or AuthenticationException or CryptographicException)
        {
            Console.Error.WriteLine($"load: {failed.Message}");
            return 1;
        }

        Console.WriteLine(report);
        if (report.FirstFailure is Failure first)
        {
            Console.Error.WriteLine($"load: {report.Errors} errors, the first: {first.Text}");
            return 1;
        }

        if (report.OperationsPerSecond == 0)
        {
            Console.Error.WriteLine("load: no request was answered in time");
            return 1;
        }

        return 0;
    }
}
