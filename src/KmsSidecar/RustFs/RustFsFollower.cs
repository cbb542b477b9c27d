using KmsSidecar.Auth;
using KmsSidecar.Background;
using KmsSidecar.Lifecycle;
using KmsSidecar.Observability;

namespace KmsSidecar.RustFs;

/// <summary>Makes RustFS's default key the one of this daemon, because RustFS reports its own with every object.</summary>
/// <remarks>
/// <para>Compares and mends, and queues nothing: of many changes the last one counts, and a RustFS that has been restarted with an old setting
/// is mended at the next look. A change of the service never waits for it, and it holds no snapshot while it waits for RustFS, which asks
/// this daemon meanwhile.</para>
/// <para>Leaves a RustFS alone whose KMS is not this daemon's kind: its objects' keys are elsewhere.</para>
/// </remarks>
internal sealed class RustFsFollower : IAsyncDisposable
{
    /// <summary>Between two looks while all is well.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(60);

    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    private readonly KmsService _service;
    private readonly RustFsClient _client;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly BackOff _backOff = new(FirstPause, Interval);
    private readonly BackgroundLoop _loop;
    private TaskCompletionSource _nudge = NewNudge();
    private volatile FollowerStatus _status;

    /// <summary>Of the last line that said so; null when the last line said something else.</summary>
    private string? _followed;

    /// <param name="client">Taken over.</param>
    public RustFsFollower(KmsService service, RustFsClient client, TimeProvider clock, ILoggerFactory logs)
    {
        _service = service;
        _client = client;
        _clock = clock;
        _log = logs.CreateLogger("rustfs::kms::rustfs");
        _loop = new BackgroundLoop(end => Task.Run(() => RunAsync(end), end));
        _status = new FollowerStatus(DefaultKeyId: null, LastError: null, client.Endpoint);
    }

    public FollowerStatus Status => _status;

    /// <summary>Begins to follow, until disposed. To be called once.</summary>
    public void Start() => _loop.Start();

    /// <summary>Signs with these from now on, and looks at once. Taken over.</summary>
    public void UseCredentials(RootCredentials credentials)
    {
        _client.UseCredentials(credentials);
        Interlocked.Exchange(ref _nudge, NewNudge()).SetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _loop.DisposeAsync();
        _client.Dispose();
    }

    private static TaskCompletionSource NewNudge() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task RunAsync(CancellationToken end)
    {
        while (true)
        {
            Task nudge = Volatile.Read(ref _nudge).Task;
            string? keyId = FindDefaultKey();
            TimeSpan pause = await LookAsync(keyId, end);
            await PauseAsync(pause, keyId, nudge, end);
        }
    }

    /// <summary>Null unless the service runs and has one.</summary>
    private string? FindDefaultKey()
    {
        using SnapshotLease lease = _service.Acquire();
        return lease.Snapshot.IsRunning ? DefaultKey.IdOf(lease.Snapshot) : null;
    }

    /// <returns>How long the next look has time.</returns>
    private async Task<TimeSpan> LookAsync(string? keyId, CancellationToken end)
    {
        if (keyId is null)
        {
            _status = _status with { LastError = null };
            return Timeout.InfiniteTimeSpan;
        }

        try
        {
            await MendAsync(keyId, end);
            Succeeded(keyId);
            return Interval;
        }
        catch (RustFsException failed)
        {
            if (failed.Message != _status.LastError)
            {
                FollowerLog.DoesNotFollow(_log, keyId, failed.Message);
            }

            Failed(failed.Message);
        }
        catch (Exception unexpected) when (unexpected is not OperationCanceledException)
        {
            FollowerLog.Failed(_log, keyId, unexpected);
            Failed("an internal fault, which the log describes");
        }

        return _backOff.Next();
    }

    private async Task MendAsync(string keyId, CancellationToken end)
    {
        KmsStatus rustFs = await _client.GetStatusAsync(end);
        _status = _status with { DefaultKeyId = rustFs.DefaultKeyId is { } id ? PrintableText.Of(id) : null };
        if (rustFs.BackendType != "aws")
        {
            throw new RustFsException(PrintableText.Of(
                $"RustFS's KMS has backend '{rustFs.BackendType}' and is left alone: restart RustFS with RUSTFS_KMS_BACKEND=aws for it to follow"));
        }

        if (rustFs.DefaultKeyId != keyId)
        {
            await _client.SetDefaultKeyAsync(keyId, end);
        }
    }

    private void Succeeded(string keyId)
    {
        _status = _status with { DefaultKeyId = keyId, LastError = null };
        _backOff.Reset();
        if (_followed != keyId)
        {
            FollowerLog.Follows(_log, _client.Endpoint, keyId);
        }

        _followed = keyId;
    }

    private void Failed(string reason)
    {
        _status = _status with { LastError = reason };
        _followed = null;
    }

    /// <summary>Ends early when the default key is another one than at the last look, or when nudged; the pauses then begin anew.</summary>
    private async Task PauseAsync(TimeSpan pause, string? lookedFor, Task nudge, CancellationToken end)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(end);
        Task due = Task.Delay(pause, _clock, over.Token);
        while (true)
        {
            Task change = _service.NextChange;
            if (nudge.IsCompleted || FindDefaultKey() != lookedFor)
            {
                _backOff.Reset();
                break;
            }

            if (await Task.WhenAny(due, change, nudge) == due)
            {
                break;
            }
        }

        await over.CancelAsync();
        end.ThrowIfCancellationRequested();
    }
}
