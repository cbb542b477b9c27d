using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using KmsSidecar.CommandLine.Bench;

namespace KmsSidecar.Bench.Load;

/// <summary>Puts one server under load: a blocking connection and a thread per client.</summary>
/// <remarks>
/// Threads that block in the kernel cost less CPU per request than asynchronous sockets, which add an epoll wake-up and a hop
/// to a pool thread, and the server pays for whatever the client takes from the shared cores.
/// </remarks>
internal static class LoadRun
{
    private const int ThreadStackBytes = 256 * 1024;

    // Far above any latency worth measuring, far below a CI time-out.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    /// <exception cref="IOException">A connection could not be prepared.</exception>
    /// <exception cref="SocketException">The server cannot be reached.</exception>
    /// <exception cref="ArgumentException">There is no process with the given id.</exception>
    public static LoadReport Execute(LoadOptions options)
    {
        using Process? server = options.ServerPid is int pid ? Process.GetProcessById(pid) : null;
        List<IKeyClient> clients = new(options.Connections);
        try
        {
            for (int i = 0; i < options.Connections; i++)
            {
                clients.Add(Connect(options));
            }

            return Measure(options, clients, server);
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    private static IKeyClient Connect(LoadOptions options)
    {
        if (options.Protocol == Protocol.Reference)
        {
            return new ReferenceClient(Open(options), options.Operation);
        }

        HttpForm form = options.Protocol switch
        {
            Protocol.Native => new NativeForm(),
            Protocol.Vault => new VaultForm(options.Target.ToString()!, Setting("VAULT_TOKEN"), Setting("VAULT_KEY")),
            _ => Aws(options.Target),
        };
        return new HttpKeyClient(() => Open(options), form, options);
    }

    private static Stream Open(LoadOptions options)
    {
        PolledStream stream = new(LocalTarget.Connect(options.Target, AnswerTimeout));
        if (options.TlsAuthority is not { } authority)
        {
            return stream;
        }

        X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(authority);
        SslStream tls = new(stream);
        tls.AuthenticateAsClient(new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = policy });
        return tls;
    }

    private static AwsForm Aws(EndPoint target) => target is UnixDomainSocketEndPoint
        ? new AwsForm("localhost", credentials: null)
        : new AwsForm(target.ToString()!, (Setting("AWS_ACCESS_KEY_ID"), Setting("AWS_SECRET_ACCESS_KEY")));

    private static string Setting(string name) =>
        Environment.GetEnvironmentVariable(name) ?? throw new ArgumentException($"{name} is not set");

    private static LoadReport Measure(LoadOptions options, List<IKeyClient> clients, Process? server)
    {
        Worker[] workers = [.. clients.Select(client => new Worker(client))];
        LoadWindow window = default;
        Thread[] threads = new Thread[workers.Length];

        // The window opens when every thread exists: starting a thousand of them under load can take longer than the warm-up.
        using ManualResetEvent opened = new(false);
        for (int i = 0; i < threads.Length; i++)
        {
            int index = i;
            threads[i] = new Thread(RunWhenOpened, ThreadStackBytes);
            threads[i].Start();

            void RunWhenOpened()
            {
                opened.WaitOne();
                Run(workers[index], index, options, window);
            }
        }

        CpuSample before = CpuSample.Take(server);
        window = LoadWindow.StartingNow(options.Warmup, options.Duration);
        opened.Set();
        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        return LoadReport.Create(options, window, workers, CpuSample.Take(server) - before);
    }

    private static void Run(Worker worker, int index, LoadOptions options, LoadWindow window)
    {
        if (options.Rate == 0)
        {
            worker.RunClosedLoop(window);
            return;
        }

        double betweenRequests = (double)MonotonicClock.NanosecondsPerSecond / options.Rate;
        worker.RunOpenLoop(window, index * betweenRequests, options.Connections * betweenRequests);
    }
}
