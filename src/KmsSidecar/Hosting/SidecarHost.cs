using KmsSidecar.Access;
using KmsSidecar.Access.Sessions;
using KmsSidecar.Access.Users;
using KmsSidecar.Api;
using KmsSidecar.Api.AwsKms;
using KmsSidecar.Audit;
using KmsSidecar.Auth;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;
using KmsSidecar.Observability;
using KmsSidecar.Operations;
using KmsSidecar.Options;
using KmsSidecar.RustFs;
using KmsSidecar.Storage;
using KmsSidecar.Tls;

namespace KmsSidecar.Hosting;

/// <summary>The composition root: builds the object graph by hand, in the order in which things depend on each other.</summary>
internal sealed class SidecarHost : IAsyncDisposable
{
    private readonly LogLevels _levels;
    private readonly LoggerFactory _logs;
    private readonly HttpServer _server;
    private readonly Dispatcher _dispatcher;
    private readonly StateDirectory _state;
    private readonly AuditLog? _audit;
    private readonly BackendFactory _backends;
    private readonly CertificateKeeper? _certificate;
    private readonly KeySweeper _sweeper;
    private readonly SessionKeys _sessionKeys;
    private readonly Accounts _accounts;
    private readonly UserAdministration _userAdministration;
    private readonly RustFsFollower? _follower;
    private readonly HandedSockets _handed;
    private readonly List<SocketClaim> _sockets = [];

    /// <summary>Everything but the listeners, which <see cref="StartAsync"/> opens.</summary>
    /// <param name="grants">Who may do what; null for what the users' policies say.</param>
    /// <param name="handed">Sockets that listen already; null for none.</param>
    /// <exception cref="KmsException">A file cannot be used, or a setting is wrong.</exception>
    /// <exception cref="ListenException">A socket that was handed over cannot be used.</exception>
    public SidecarHost(
        DaemonOptions options, TimeProvider clock, ConnectionLimits? limits = null, IGrantSource? grants = null, HandedSockets? handed = null)
    {
        limits ??= ConnectionLimits.Default;
        _handed = handed ?? HandedSockets.None;
        Options = options = _handed.Settle(options);
        (ICredentialSource root, AccountSet file) = AccountFiles.Read(options);
        RustFsClient? rustFs = RustFsFactory.Open(options, clock);
        _levels = new LogLevels(options.LogLevel);
        LoggerFactory logs = _logs = LogOutput.Open(options, _levels, out LogProvider events);
        Log = logs.CreateLogger("rustfs::kms::daemon");
        SystemFileSteps steps = new();
        DirectoryLocks locks = new();
        try
        {
            _certificate = ServerTls.Open(options, steps, clock, logs);
            _state = StateDirectory.Open(options, steps, locks, Log);
            _audit = AuditFactory.Open(options, _state, steps, locks, clock, logs);
        }
        catch
        {
            _state?.Dispose();

            // What has been logged so far is written out.
            logs.Dispose();
            throw;
        }

        _backends = new BackendFactory(_state.MasterKey.Text, _state.DerivedKeys, options.StaticKeyFile, steps, locks, clock, logs);
        ConfigurationStore store = new(_state.Configurations, logs);
        Service = new KmsService(store, _backends.OpenAsync, clock, logs, BackendFactory.DescribeMissing, _backends.UnwrapAsync);

        _sweeper = new KeySweeper(Service, clock, logs, _state.BelievedTime.Find(), _state.BelievedTime.Keep)
        {
            Destroyed = (keyId, version) => _audit?.AddOwn(AuditOperation.Sweep, Service.Generation, new AuditedKey { KeyId = keyId, Version = version }),
        };
        _follower = rustFs is null ? null : new RustFsFollower(Service, rustFs, clock, logs);
        KeyAdministration keyAdministration = new(Service, options.AllowImmediateDeletion, clock, logs);

        ILogger authLog = logs.CreateLogger("rustfs::kms::auth");
        UserStore users = new(_state.Users, authLog);
        _sessionKeys = new SessionKeys(_state.MasterKey);
        _accounts = new Accounts(root, UserAdministration.Combine(root, file, users.Load()), _sessionKeys, clock);
        _userAdministration = new UserAdministration(_accounts, users, authLog);
        FailureLimits limitsOnFailures = new(clock);
        SigV4Options signatures = new() { Regions = options.Regions, AllowPresigned = options.AllowPresigned };
        Verifier = new SigV4Verifier(signatures, clock, _accounts, limitsOnFailures);
        _accounts.Changed += () => Verifier.UseCredentials(_accounts);
        Authorizer authorizer = new(grants ?? _accounts, options.LegacyServerInfo);

        Router router = new(RouteTable.Build(
            new LifecycleRoutes(Service, store),
            new StatusRoutes(Service, clock, _follower is { } follower ? () => follower.Status : null),
            new DiffRoutes(Service, store),
            new KeyRoutes(Service, keyAdministration),
            new KeyChangeRoutes(Service, keyAdministration),
            new DataKeyRoutes(Service),
            new RewrapRoutes(Service),
            new PolicyRoutes(Service, authorizer, clock),
            new UserRoutes(_userAdministration, _accounts),
            new StsRoutes(new SessionIssuer(_accounts, _sessionKeys, clock, authLog), _sessionKeys),
            AwsKms(keyAdministration, clock),
            new HealthRoutes(SidecarHealth.Of(Service, _certificate, _follower, _audit, clock), Metrics)));
        RequestGate gate = new(Verifier, new ClockWatch(clock), authLog);
        SignatureRefusals refusals = new(limitsOnFailures, clock, logs);
        AccessGate access = new(authorizer, Service, clock);
        AccessDenials denials = new(clock, logs);
        RefusedCallers refused = new(clock, logs);
        RequestMetrics requests = new(router, () => Service.ActiveBackend);
        AuditTrail? trail = _audit is null ? null : new AuditTrail(router, _audit, () => Service.Generation, clock);
        Outcomes outcomes = new(router, requests, trail, clock, logs);
        _dispatcher = new Dispatcher(router, gate, access, refusals, denials, outcomes, limits.Body);
        _server = new HttpServer(options, _handed, limits, new LocalRequests(router, outcomes), _certificate?.Source, refused, clock, logs);

        new ServiceMetrics(Service, clock).AddTo(Metrics);
        requests.AddTo(Metrics);
        refusals.AddTo(Metrics);
        denials.AddTo(Metrics);
        refused.AddTo(Metrics);
        new BackendMetrics(Service, Metrics).Add();
        CertificateSource.AddTo(Metrics, _certificate?.Source);
        _audit?.AddTo(Metrics);
        ProcessMetrics.AddTo(Metrics, events, clock);
    }

    public DaemonOptions Options { get; }

    /// <summary>Where it listens, as URLs, Unix sockets among them.</summary>
    public IEnumerable<string> Addresses => _server.Addresses;

    public KmsService Service { get; }

    public SigV4Verifier Verifier { get; }

    public Metrics Metrics { get; } = new();

    /// <summary>Takes events of the process.</summary>
    public ILogger Log { get; }

    /// <inheritdoc cref="HttpServer.LongestTurn"/>
    public TimeSpan LongestTurn => _server.LongestTurn;

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

        GiveBackWhatIsLeft();
        _sweeper.Start();
        _certificate?.Start();
        await _server.StartAsync(_dispatcher.InvokeAsync);
        _follower?.Start();
        if (_accounts.IsEmpty && !Options.Listen.IsEmpty)
        {
            HostingLog.NoCredentials(Log);
        }

        HostingLog.Listening(Log, string.Join(' ', Addresses), AeadEngine.Current.Name);
    }

    /// <summary>Argon2id leaves 19 MB behind, which would stay: nothing else makes so much garbage. To be called before the doors open, since
    /// it stops all threads.</summary>
    private static void GiveBackWhatIsLeft()
    {
        if (GC.CollectionCount(0) > 0)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }

    /// <inheritdoc cref="HttpServer.StopAsync"/>
    public async Task StopAsync()
    {
        await _server.StopAsync();
        HostingLog.Stopping(Log);
    }

    /// <summary>Reads certificate, credentials and users again, and logs from now on as it is told.</summary>
    /// <exception cref="KmsException">Credentials or users cannot be used: they and the log level stay as they are.</exception>
    public void Reread(LogLevel level)
    {
        _certificate?.Source.Reread();
        RereadAccounts();
        LogLevel former = _levels.Level;
        if (level != former)
        {
            _levels.Level = level;
            HostingLog.LogLevelChanged(Log, level.ToString(), former.ToString());
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_follower is not null)
        {
            await _follower.DisposeAsync();
        }

        _server.Dispose();
        _sockets.ForEach(static socket => socket.Dispose());
        await _sweeper.DisposeAsync();
        if (_certificate is not null)
        {
            await _certificate.DisposeAsync();
        }

        await Service.DisposeAsync();
        _audit?.Dispose();
        await _backends.DisposeAsync();
        _accounts.Dispose();
        _sessionKeys.Dispose();
        _state.Dispose();
        _logs.Dispose();
    }

    private AwsKmsRoutes AwsKms(KeyAdministration administration, TimeProvider clock)
    {
        KeyArns arns = new(Options.OwnRegion, Options.TakesAnyRegion);
        return new AwsKmsRoutes(
            new AwsDataKeys(Service, arns),
            new AwsKeys(Service, administration, arns),
            new AwsLists(Service, arns),
            new BackendWait(Service, clock, AwsKmsRoutes.Patience));
    }

    private void ClaimSockets()
    {
        foreach (string path in Options.SocketPaths.Where(path => !_handed.Has(path)))
        {
            SocketClaim claim = SocketClaim.Take(path);
            _sockets.Add(claim);
            if (claim.RemovedStale)
            {
                HostingLog.StaleSocketRemoved(Log, path);
            }
        }
    }

    private bool IsConfigured()
    {
        using SnapshotLease lease = Service.Acquire();
        return lease.Snapshot.State != ServiceState.NotConfigured;
    }

    private void RereadAccounts()
    {
        RootCredentials? forRustFs = null;
        try
        {
            forRustFs = Options.RustFs is { } rustFs ? RustFsFactory.ReadCredentials(rustFs, Options) : null;
            (ICredentialSource root, AccountSet file) = AccountFiles.Read(Options);
            _userAdministration.Replace(root, file);
        }
        catch (KmsException)
        {
            forRustFs?.Dispose();
            throw;
        }

        if (forRustFs is not null)
        {
            _follower!.UseCredentials(forRustFs);
        }

        _audit?.AddOwn(AuditOperation.Reload, Service.Generation, key: default);
        HostingLog.CredentialsReloaded(Log);
    }
}
