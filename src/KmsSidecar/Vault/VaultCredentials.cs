using KmsSidecar.Background;
using KmsSidecar.Errors;

namespace KmsSidecar.Vault;

/// <summary>Has a token, renews it at half of its life, and replaces it when it ends, meets its maximum or turns out dead.</summary>
/// <remarks>Thread-safe. Calls in flight finish with the token that they began with.</remarks>
internal sealed class VaultCredentials : IAsyncDisposable
{
    /// <summary>After a cycle that failed, somewhere between its half and its whole.</summary>
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(5);

    /// <summary>After a renewal that was refused: half of what is left, and no less.</summary>
    private static readonly TimeSpan RefusedPause = TimeSpan.FromMinutes(1);

    /// <summary>Between two cycles, however short the token's life.</summary>
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);

    /// <summary>However long it is: a timer takes no more than 49 days.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromDays(30);

    private static readonly TimeSpan RevocationPatience = TimeSpan.FromSeconds(2);

    /// <summary>The part of a half life at the earliest, so that the nodes of a cluster do not renew in step.</summary>
    private const double EarliestRenewal = 0.8;

    private readonly VaultSettings _settings;
    private readonly CredentialSource _source;
    private readonly CredentialCalls _calls;
    private readonly CircuitBreaker _breaker;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly BackgroundLoop _loop;

    /// <summary>Around all that asks Vault for, or about, a token.</summary>
    private readonly SemaphoreSlim _gate = new(1);
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _lock = new();
    private Task<TokenVerdict> _judging = Task.FromResult(TokenVerdict.Unknown);
    private long _generation;

    /// <summary>The server has answered that it does not renew the token, which may live on: asking soon again would change nothing.</summary>
    private bool _isRefused;

    /// <param name="source">Taken over.</param>
    /// <param name="breaker">Of the calls.</param>
    public VaultCredentials(
        VaultSettings settings, CredentialSource source, CredentialCalls calls, CircuitBreaker breaker, TimeProvider clock, ILogger log)
    {
        _settings = settings;
        _source = source;
        _calls = calls;
        _breaker = breaker;
        _clock = clock;
        _log = log;
        Tokens = new TokenHolder(settings, source, clock, log);
        _loop = new BackgroundLoop(end => Task.Run(() => RunAsync(end), end));
    }

    public TokenHolder Tokens { get; }

    /// <summary>Has a token, or says why not. Then keeps it, until disposed. To be called once.</summary>
    /// <exception cref="KmsException">There is none, with the mend.</exception>
    public async ValueTask OpenAsync(CancellationToken cancellation)
    {
        await LogInAsync(cancellation);
        _loop.Start();
    }

    /// <summary>Finds out about a token that Vault refused, and replaces it when it is dead. However many ask, it is done once.</summary>
    /// <exception cref="OperationCanceledException">The caller does not wait for it any more; it goes on.</exception>
    public Task<TokenVerdict> JudgeAsync(VaultToken refused, CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (_judging.IsCompleted)
            {
                long generation = refused.Generation;
                _judging = Task.Run(() => JudgeAsync(generation), CancellationToken.None);
            }

            return _judging.WaitAsync(cancellation);
        }
    }

    /// <summary>Ends the upkeep, then revokes a token that a log-in of ours made.</summary>
    /// <remarks>After the last call. The revocation is tried once and waited for briefly: a token that it does not reach ends by itself.</remarks>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _loop.DisposeAsync();
        await ((Task)_judging).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (Tokens.Replace(null) is { } last)
        {
            await RevokeAsync(last);
            last.Release();
        }

        _source.Dispose();
        _gate.Dispose();
        _end.Dispose();
    }

    private async Task RunAsync(CancellationToken end)
    {
        while (true)
        {
            using (CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(end))
            {
                Task change = Tokens.NextChange;
                Task due = Task.Delay(PauseUntilDue(), _clock, over.Token);
                bool isDue = await Task.WhenAny(due, change) == due;
                await over.CancelAsync();
                end.ThrowIfCancellationRequested();
                if (!isDue)
                {
                    continue;
                }
            }

            await _gate.WaitAsync(end);
            try
            {
                await KeepAsync(Tokens.Current!, end);
            }
            catch (KmsException failed)
            {
                Tokens.Failed(failed);
            }
            catch (Exception unexpected) when (unexpected is not OperationCanceledException)
            {
                VaultLog.UpkeepFailed(_log, _settings.Name, unexpected);
                Tokens.Failed(new KmsException(KmsError.Internal));
            }
            finally
            {
                _gate.Release();
            }
        }
    }

    private TimeSpan PauseUntilDue()
    {
        if (_isRefused)
        {
            return Between(RefusedPause, (Tokens.Current!.Life.LeftAt(_clock) ?? TimeSpan.Zero) / 2);
        }

        if (Tokens.HasFailed)
        {
            return _breaker.Remaining is { } open && open > TimeSpan.Zero ? open : RetryPause * (0.5 + (Random.Shared.NextDouble() / 2));
        }

        TokenLife life = Tokens.Current!.Life;
        TimeSpan? due = null;
        if (life.Ttl is { } ttl && (life.IsRenewable || _source.CanReplace))
        {
            double part = EarliestRenewal + ((1 - EarliestRenewal) * Random.Shared.NextDouble());
            due = (ttl / 2 * part) - _clock.GetElapsedTime(life.Since);
        }

        due = _source.PollInterval is { } poll && !(due < poll) ? poll : due;
        return due is { } pause ? Between(ShortestPause, pause) : Timeout.InfiniteTimeSpan;
    }

    private static TimeSpan Between(TimeSpan shortest, TimeSpan pause) => pause < shortest ? shortest : pause > LongestPause ? LongestPause : pause;

    /// <summary>One cycle: what the token in use needs now.</summary>
    private async Task KeepAsync(VaultToken token, CancellationToken end)
    {
        _isRefused = false;
        if (_source.IsKept)
        {
            await FollowAsync(token, end);
        }
        else if (token.Life.IsRenewable && !(_source.CanReplace && (Tokens.HasFailed || !Tokens.IsUsable(token))))
        {
            await RenewAsync(token, end);
        }
        else if (_source.CanReplace)
        {
            await LogInAsync(end);
        }
        else
        {
            await LookUpAsync(token, end);
            Tokens.Succeeded();
        }
    }

    /// <summary>Of a token that somebody else keeps: another one is taken, and of the same one its new end is learned when half of the old life is over.</summary>
    private async Task FollowAsync(VaultToken token, CancellationToken end)
    {
        TokenLife life = token.Life;
        if (_source.HasChanged || Tokens.HasFailed)
        {
            await LogInAsync(end);
        }
        else if (_clock.GetElapsedTime(life.Since) >= life.Ttl / 2 * EarliestRenewal)
        {
            await LookUpAsync(token, end);
            Tokens.Succeeded();
        }
    }

    private async Task RenewAsync(VaultToken token, CancellationToken end)
    {
        try
        {
            token.Life = await _calls.RenewAsync(token, end);
        }
        catch (KmsException failed) when (_source.CanReplace)
        {
            Tokens.Failed(failed);
            await LogInAsync(end);
            return;
        }
        catch (KmsException refused) when (refused.Error == KmsError.BackendRejected)
        {
            _isRefused = true;
            throw;
        }

        Tokens.Succeeded();
        VaultLog.TokenRenewed(_log, _settings.Name, TextOf(token.Life));
        if (token.Life.Ttl < token.Life.Granted && _source.CanReplace)
        {
            // Its maximum is near, and the next renewal would give even less.
            await LogInAsync(end);
        }
    }

    /// <summary>A new token takes the place of the one in use, if there is one.</summary>
    private async Task LogInAsync(CancellationToken cancellation)
    {
        TokenGrant grant = await _source.AcquireAsync(_calls, cancellation);
        VaultToken token = new(grant.Token, ++_generation, grant.Life ?? new TokenLife(_clock.GetTimestamp(), Ttl: null, Granted: null, IsRenewable: false));
        try
        {
            if (grant.Life is null)
            {
                await LookUpAsync(token, cancellation);
            }
        }
        catch
        {
            token.Release();
            throw;
        }

        Tokens.Replace(token)?.Release();
        Tokens.Succeeded();
        VaultLog.LoggedIn(_log, _settings.Name, _settings.Auth.Method, TextOf(token.Life));
    }

    private async Task LookUpAsync(VaultToken token, CancellationToken cancellation)
    {
        TokenLookup found = await _calls.LookUpAsync(token, cancellation);
        token.Life = found.Life ?? throw (found.State == TokenState.Dead ? WithMend(found.Failure!) : found.Failure!);
    }

    private async Task<TokenVerdict> JudgeAsync(long generation)
    {
        await _gate.WaitAsync(_end.Token);
        try
        {
            VaultToken current = Tokens.Current!;
            if (current.Generation != generation)
            {
                return TokenVerdict.Replaced;
            }

            if (Tokens.VerdictOn(current) is { } known)
            {
                return known;
            }

            TokenLookup found = await _calls.LookUpAsync(current, _end.Token);
            TokenVerdict verdict = found.State switch
            {
                TokenState.Alive => TokenVerdict.Alive,
                TokenState.Dead => await ReplaceDeadAsync(found.Failure!),
                _ => TokenVerdict.Unknown,
            };
            if (verdict is TokenVerdict.Alive or TokenVerdict.Dead)
            {
                Tokens.Judged(current, verdict);
            }

            return verdict;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<TokenVerdict> ReplaceDeadAsync(KmsException death)
    {
        VaultLog.TokenDead(_log, _settings.Name);
        if (!_source.CanReplace)
        {
            Tokens.Failed(WithMend(death));
            return TokenVerdict.Dead;
        }

        try
        {
            await LogInAsync(_end.Token);
            return TokenVerdict.Replaced;
        }
        catch (KmsException failed)
        {
            Tokens.Failed(failed);
            return TokenVerdict.Dead;
        }
    }

    private async ValueTask RevokeAsync(VaultToken token)
    {
        if (!_source.IsOwn || token.Life.LeftAt(_clock) == TimeSpan.Zero)
        {
            return;
        }

        using CancellationTokenSource late = new(RevocationPatience, _clock);
        try
        {
            await _calls.RevokeAsync(token, late.Token);
        }
        catch (Exception failed) when (failed is KmsException or OperationCanceledException)
        {
            VaultLog.NotRevoked(_log, _settings.Name, failed is KmsException ? failed.Message : $"no answer in {RevocationPatience.TotalSeconds:0} s");
        }
    }

    private static string TextOf(TokenLife life) => life.Ttl is { } ttl ? $"{(long)ttl.TotalSeconds} s" : "no end that is known";

    private KmsException WithMend(KmsException failure) => new(failure.Error, $"{failure.Message}; {_source.Mend}", failure);
}
