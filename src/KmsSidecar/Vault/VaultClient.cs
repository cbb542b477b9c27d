using KmsSidecar.Crypto;
using KmsSidecar.Errors;

namespace KmsSidecar.Vault;

/// <summary>One Vault or OpenBao server over HTTP.</summary>
internal sealed class VaultClient : IVault, IAsyncDisposable
{
    private const string Category = "rustfs::kms::vault";

    private readonly VaultSettings _settings;
    private readonly TimeProvider _clock;
    private readonly VaultTransport _transport;
    private readonly Bulkhead _bulkhead = new(VaultPolicy.MaxConcurrent - 1, VaultPolicy.MaxWaiting);

    /// <summary>The slot that is kept: a server that is busy with operations still renews the token that they need.</summary>
    private readonly Bulkhead _keptSlot = new(1, VaultPolicy.MaxWaiting);
    private readonly VaultCounters _counters = new();
    private readonly VaultPipeline _operations;
    private readonly VaultPipeline _credentialCalls;
    private readonly CredentialSource _source;
    private readonly VaultCredentials _credentials;
    private readonly RecentCheck _check;
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _disposed;

    /// <summary>Timestamp of the last success; 0 before the first.</summary>
    private long _succeededAt;

    /// <param name="settings">Taken over when there is no exception.</param>
    private VaultClient(VaultSettings settings, TimeProvider clock, ILogger log)
    {
        _settings = settings;
        _clock = clock;
        _transport = new VaultTransport(settings, clock, log);
        _operations = new VaultPipeline("operations", settings, _transport, _bulkhead, _counters, clock, log);
        _credentialCalls = new VaultPipeline("credentials", settings, _transport, _keptSlot, _counters, clock, log);
        _source = CredentialSource.From(settings);
        _credentials = new VaultCredentials(
            settings, _source, new CredentialCalls(settings.Name, _credentialCalls, clock), _credentialCalls.Breaker, clock, log);
        _check = new RecentCheck(AskAsync, clock);
    }

    public string Name => _settings.Name;

    /// <summary>Ends when it has been disposed of, and has no more to do with the server.</summary>
    public Task Ended => _ended.Task;

    public VaultStatus Status
    {
        get
        {
            VaultToken? token = _credentials.Tokens.Current;
            TimeSpan? left = token?.Life.LeftAt(_clock);
            return new VaultStatus(
                _settings.Auth.Method,
                Authenticated: token is not null && _credentials.Tokens.IsUsable(token),
                ExpiresAt: _clock.GetUtcNow() + left,
                SecondsLeft: (long?)left?.TotalSeconds,
                Renewable: token?.Life.IsRenewable ?? false,
                _credentials.Tokens.LastError,
                _credentials.Tokens.LastRenewal,
                token?.Generation ?? 0,
                _operations.Breaker.State,
                _credentialCalls.Breaker.State,
                _bulkhead.InFlight,
                _bulkhead.Waiting,
                _counters.Attempts,
                _counters.Retries,
                _counters.Opened,
                _counters.Failures());
        }
    }

    /// <summary>Logs in, and stays so until disposed.</summary>
    /// <param name="settings">Taken over, also when it fails.</param>
    /// <exception cref="KmsException">The settings cannot be used, Vault cannot be asked, or it does not take the credentials.</exception>
    public static async ValueTask<VaultClient> OpenAsync(
        VaultSettings settings, TimeProvider clock, ILoggerFactory logs, CancellationToken cancellation)
    {
        ILogger log = logs.CreateLogger(Category);
        VaultClient client;
        try
        {
            settings.Check();
            client = new VaultClient(settings, clock, log);
        }
        catch
        {
            settings.Dispose();
            throw;
        }

        try
        {
            if (settings.Tls.SkipVerify)
            {
                VaultLog.NotVerified(log, settings.Name);
            }

            await client._credentials.OpenAsync(cancellation);
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>Trades a wrapping token for the secret id that it wraps, which can be done once.</summary>
    /// <param name="settings">With the wrapping token as their token. Taken over, also when it fails.</param>
    /// <param name="roleMount">Of the AppRole that the secret id is for: named in the mend.</param>
    /// <returns>The caller's.</returns>
    /// <exception cref="KmsException">It was not had: used already, expired, or Vault cannot be asked.</exception>
    public static async ValueTask<SecretBytes> UnwrapAsync(
        VaultSettings settings, string roleMount, TimeProvider clock, ILoggerFactory logs, CancellationToken cancellation)
    {
        using (settings)
        {
            settings.Check();
            ILogger log = logs.CreateLogger(Category);
            using VaultTransport transport = new(settings, clock, log);
            using Bulkhead slot = new(1, 0);
            VaultPipeline pipeline = new("credentials", settings, transport, slot, new VaultCounters(), clock, log);
            return await new CredentialCalls(settings.Name, pipeline, clock).UnwrapAsync(
                ((VaultAuth.Token)settings.Auth).Value, roleMount, cancellation);
        }
    }

    public ValueTask<VaultAnswer> SendAsync(VaultCall call, CancellationToken cancellation) => SendAsync(call, int.MaxValue, cancellation);

    public ValueTask<VaultAnswer> CheckAsync(CancellationToken cancellation)
    {
        bool hasSucceeded = Interlocked.Read(ref _succeededAt) is not 0 and long at && _clock.GetElapsedTime(at) < RecentCheck.Life;
        bool isAtOnce = _operations.Breaker.State == CircuitState.Open || _credentials.Tokens.Current is not { } token || !_credentials.Tokens.IsUsable(token);
        return isAtOnce ? new(AskAsync())
            : hasSucceeded ? new(new VaultAnswer(VaultFault.None, status: 200, sentence: "", reason: "", body: null))
            : _check.FindAsync(cancellation);
    }

    /// <summary>After the last call. A token of a log-in of ours is revoked, and waited for briefly. May be called again.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        try
        {
            await _end.CancelAsync();

            // Whoever wanted to know may have left before it was found out.
            await _check.SettleAsync();
            await _credentials.DisposeAsync();
            _transport.Dispose();
            _bulkhead.Dispose();
            _keptSlot.Dispose();
            _settings.Dispose();
            _end.Dispose();
        }
        finally
        {
            _ended.SetResult();
        }
    }

    private async ValueTask<VaultAnswer> SendAsync(VaultCall call, int attempts, CancellationToken cancellation)
    {
        for (bool isSecond = false; ; isSecond = true)
        {
            if (_credentials.Tokens.TryUse() is not { } token)
            {
                _counters.Count(VaultFault.CredentialsRefused);
                return Refused(status: 0, reason: "");
            }

            try
            {
                VaultAnswer answer = await _operations.SendAsync(call, token, cancellation, attempts);
                if (answer.Fault == VaultFault.None)
                {
                    Interlocked.Exchange(ref _succeededAt, _clock.GetTimestamp());
                }

                if (answer.Fault != VaultFault.CredentialsRefused || isSecond)
                {
                    return answer;
                }

                using (answer)
                {
                    switch (await _credentials.JudgeAsync(token, cancellation))
                    {
                        case TokenVerdict.Replaced:
                            continue;
                        case TokenVerdict.Alive:
                            return new VaultAnswer(VaultFault.PolicyDenied, answer.Status, StatusFaults.PolicySentence(Name, call), answer.Reason, body: null);
                        case TokenVerdict.Dead:
                            return Refused(answer.Status, answer.Reason);
                        default:
                            return new VaultAnswer(answer.Fault, answer.Status, answer.Sentence, answer.Reason, body: null);
                    }
                }
            }
            finally
            {
                token.Release();
            }
        }
    }

    /// <summary>Every token may look itself up, unless its policies deny even that: then they have been looked at, by a server that is well.</summary>
    private async Task<VaultAnswer> AskAsync()
    {
        VaultCall call = new("lookup-self", HttpMethod.Get, "auth/token/lookup-self", VaultRepeat.Safe);
        VaultAnswer answer = await SendAsync(call, attempts: 1, _end.Token);
        if (answer.Fault != VaultFault.PolicyDenied)
        {
            return answer;
        }

        answer.Dispose();
        return new VaultAnswer(VaultFault.None, answer.Status, sentence: "", reason: "", body: null);
    }

    private VaultAnswer Refused(int status, string reason) =>
        new(VaultFault.CredentialsRefused, status, _credentials.Tokens.RefusalSentence(), reason, body: null);
}
