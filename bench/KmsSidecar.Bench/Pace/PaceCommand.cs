using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using KmsSidecar.Bench.Load;
using KmsSidecar.Doubles.Http;

namespace KmsSidecar.Bench.Pace;

/// <summary>Stands before a double of Vault and lets its Transit answers out when a slower server would have been done with them.</summary>
/// <remarks>A server with so many processors takes so long over each request and each item of it, and what comes meanwhile queues. What the
/// double itself takes is within that time as long as it is shorter, so the server that is shown is the slower one and not the sum of both.</remarks>
internal static class PaceCommand
{
    private const int MaxConnections = 1024;
    private const int ThreadStackBytes = 256 * 1024;

    public static Command Create()
    {
        Option<string> target = new("--target") { Description = "Loopback ADDRESS:PORT of the double.", Required = true };
        Option<FileInfo> readyFile = new("--ready-file") { Description = "The own ADDRESS:PORT is written to it.", Required = true };
        Option<double> perRequest = new("--per-request") { Description = "Microseconds for each Transit request.", Required = true };
        Option<double> perItem = new("--per-item") { Description = "Microseconds for each item of it; a single one is one.", Required = true };
        Option<int> workers = new("--workers") { Description = "Requests that are worked on at once.", DefaultValueFactory = static _ => 2 };
        Command command = new("pace", "Makes a double of Vault as slow as a server. Ends with SIGTERM.") { target, readyFile, perRequest, perItem, workers };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(target),
            parsed.GetRequiredValue(readyFile),
            new ServiceTime(
                TimeSpan.FromMicroseconds(parsed.GetValue(perRequest)), TimeSpan.FromMicroseconds(parsed.GetValue(perItem)), parsed.GetValue(workers))));
        return command;
    }

    private static int Run(string target, FileInfo readyFile, ServiceTime time)
    {
        if (!LocalTarget.TryParse(target, out EndPoint? endPoint, out string? problem))
        {
            Console.Error.WriteLine($"pace: {problem}");
            return 64;
        }

        using ManualResetEvent end = new(false);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            end.Set();
        });
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(MaxConnections);
        StartThread(() => Accept(listener, endPoint, time));

        // Whole or not at all: who waits for the file reads it at once.
        File.WriteAllText($"{readyFile}.new", $"{listener.LocalEndPoint}\n");
        File.Move($"{readyFile}.new", readyFile.FullName, overwrite: true);
        end.WaitOne();
        return 0;
    }

    private static void Accept(Socket listener, EndPoint target, ServiceTime time)
    {
        try
        {
            while (true)
            {
                Socket accepted = listener.Accept();
                accepted.NoDelay = true;
                StartThread(() => PacedConnection.Serve(accepted, target, time));
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private static void StartThread(ThreadStart action) => new Thread(action, ThreadStackBytes) { IsBackground = true }.Start();
}
