using System.Net.Sockets;
using System.Runtime.InteropServices;
using KmsSidecar.Api;
using KmsSidecar.Auth;
using KmsSidecar.CommandLine;
using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Observability;
using KmsSidecar.Operations;
using KmsSidecar.Options;
using KmsSidecar.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace KmsSidecar.Hosting;

/// <summary>The composition root: builds the object graph by hand, in the order in which things depend on each other, and runs it.</summary>
internal sealed class SidecarHost : IAsyncDisposable
{
    private ICredentialSource _credentials;
    private readonly StateDirectory _state;
    private readonly List<SocketClaim> _sockets = [];
    private readonly ILogger _log;

    /// <summary>Everything but the listeners, which <see cref="StartAsync"/> opens.</summary>
    /// <exception cref="KmsException">A file cannot be used, or a setting is wrong.</exception>
    public SidecarHost(DaemonOptions options, TimeProvider clock, ConnectionLimits? limits = null)
    {
        limits ??= ConnectionLimits.Default;
        Options = options;
        _credentials = RootCredentialLoader.Load(options.CredentialsFile);
        Application = Build(options, limits);
        ILoggerFactory logs = Application.Services.GetRequiredService<ILoggerFactory>();
        _log = logs.CreateLogger("rustfs::kms::daemon");
        SystemFileSteps steps = new();
        DirectoryLocks locks = new();
        try
        {
            _state = StateDirectory.Open(options, steps, locks, _log);
        }
        catch
        {
            // What has been logged so far is written out.
            ((IDisposable)Application).Dispose();
            throw;
        }

        string? staticKeyFile = options.StaticKeyFile ?? SystemCredential.Find("static-key");
        BackendFactory backends = new(_state.MasterKey.Text, staticKeyFile, steps, locks, clock, logs);
        ConfigurationStore store = new(_state.Configurations, logs);
        Service = new KmsService(store, backends.OpenAsync, clock, logs, BackendFactory.DescribeMissing);
        Verifier = new SigV4Verifier(new SigV4Options { Regions = options.Regions }, clock, _credentials);

        Metrics metrics = new();
        Router router = new(RouteTable.Build(
            new LifecycleRoutes(Service, store),
            new StatusRoutes(Service, clock),
            new DiffRoutes(Service, store),
            new KeyRoutes(Service, new KeyAdministration(Service, logs)),
            new DataKeyRoutes(Service),
            new HealthRoutes(Service, metrics, clock)));
        Application.Run(new Dispatcher(router, new RequestGate(Verifier), metrics, limits.Body, logs).InvokeAsync);
    }

    public DaemonOptions Options { get; }

    public WebApplication Application { get; }

    public KmsService Service { get; }

    public SigV4Verifier Verifier { get; }

    /// <summary>Runs the daemon until it is told to end.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(DaemonOptions given)
    {
        try
        {
            OpenFileLimit.Raise();
            using DevelopmentSandbox? sandbox = given.Development ? new DevelopmentSandbox(given) : null;
            await using SidecarHost host = new(sandbox?.Options ?? given, TimeProvider.System);
            await host.StartAsync(sandbox?.Configuration);
            sandbox?.Introduce(Console.Out, host.Application.Urls);
            using PosixSignalRegistration reload = PosixSignalRegistration.Create(PosixSignal.SIGHUP, host.Reload);
            await host.Application.WaitForShutdownAsync();
            HostingLog.Stopping(host._log);
            return ExitCode.Ok;
        }
        catch (KmsException fault)
        {
            Console.Error.WriteLine($"kms-sidecar: {fault.Message}");
            return fault.Error == KmsError.InvalidConfiguration ? ExitCode.Configuration : ExitCode.Storage;
        }
        catch (ListenException refused)
        {
            Console.Error.WriteLine($"kms-sidecar: {refused.Message}");
            return ExitCode.Listen;
        }
    }

    /// <summary>Restores what was configured, then opens the doors.</summary>
    /// <param name="configuration">Put into effect and started when there is none yet; null to leave the service as it is stored.</param>
    /// <exception cref="ListenException">An address or a socket cannot be had.</exception>
    public async Task StartAsync(ReadOnlyMemory<byte>? configuration = null)
    {
        ClaimSockets();
        await Service.RestoreAsync(CancellationToken.None);
        if (configuration is { } initial && !IsConfigured())
        {
            await Service.ConfigureAsync(initial, Actor.Daemon, CancellationToken.None);
            await Service.StartAsync(force: false, Actor.Daemon, CancellationToken.None);
        }

        try
        {
            await Application.StartAsync();
        }
        catch (Exception refused) when (refused is IOException or SocketException or UnauthorizedAccessException)
        {
            throw new ListenException($"cannot listen: {refused.Message}", refused);
        }

        if (_credentials.IsEmpty && !Options.Listen.IsEmpty)
        {
            HostingLog.NoCredentials(_log);
        }

        HostingLog.Listening(_log, string.Join(' ', Application.Urls));
    }

    public async ValueTask DisposeAsync()
    {
        await Application.DisposeAsync();
        _sockets.ForEach(static socket => socket.Dispose());
        await Service.DisposeAsync();
        (_credentials as IDisposable)?.Dispose();
        _state.Dispose();
    }

    private static WebApplication Build(DaemonOptions options, ConnectionLimits limits)
    {
        // What configures this process is its options alone: no appsettings.json of the working directory, no ASPNETCORE_ variables.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = "/" });
        LogOutput.Configure(builder.Logging, options);
        builder.Services.AddSystemd();
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = TimeSpan.FromSeconds(30));
        builder.Services.Configure<SocketTransportOptions>(transport =>
        {
            transport.CreateBoundListenSocket = endpoint => ListenSockets.Bind(endpoint, options);
            transport.Backlog = limits.Backlog;
        });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
            new Listeners(options, limits, kestrel.ApplicationServices.GetRequiredService<ILoggerFactory>()).Configure(kestrel));
        return builder.Build();
    }

    private void ClaimSockets()
    {
        foreach (string path in ((string?[])[Options.Socket, Options.AdminSocket]).OfType<string>())
        {
            SocketClaim claim = SocketClaim.Take(path);
            _sockets.Add(claim);
            if (claim.RemovedStale)
            {
                HostingLog.StaleSocketRemoved(_log, path);
            }
        }
    }

    private bool IsConfigured()
    {
        using SnapshotLease lease = Service.Acquire();
        return lease.Snapshot.State != ServiceState.NotConfigured;
    }

    private void Reload(PosixSignalContext signal)
    {
        signal.Cancel = true;
        try
        {
            ICredentialSource former = _credentials;
            _credentials = RootCredentialLoader.Load(Options.CredentialsFile);
            Verifier.UseCredentials(_credentials);
            (former as IDisposable)?.Dispose();
            HostingLog.CredentialsReloaded(_log);
        }
        catch (KmsException fault)
        {
            HostingLog.ReloadFailed(_log, fault.Message);
        }
    }
}
