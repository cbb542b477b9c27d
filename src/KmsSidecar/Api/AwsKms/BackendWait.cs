using KmsSidecar.Errors;
using KmsSidecar.Lifecycle;

namespace KmsSidecar.Api.AwsKms;

/// <summary>Waits for a backend that is away, and tries the request again, before its caller is told.</summary>
/// <remarks>RustFS asks for no key at all for half a minute once five answers have said that the backend is away (see
/// <see cref="AwsErrors"/>), so a fault of a few seconds is better waited for. How many wait is bounded: beyond that, callers are told at once.</remarks>
/// <param name="patience">From a request's first attempt to its last; less than its route's time limit.</param>
internal sealed class BackendWait(KmsService service, TimeProvider clock, TimeSpan patience)
{
    public const int MaxWaiting = 256;

    /// <summary>Between two attempts, unless the service changes before.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private int _waiting;

    /// <summary>The same handler, with that patience. It is run anew for each attempt, and writes nothing when it fails.</summary>
    public RouteHandler Around(RouteHandler handler) => async call =>
    {
        KmsError error = await handler(call);
        return IsAway(error) ? await TryAgainAsync(handler, call, error) : error;
    };

    private async ValueTask<KmsError> TryAgainAsync(RouteHandler handler, Call call, KmsError error)
    {
        if (Interlocked.Increment(ref _waiting) > MaxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            return Told(error);
        }

        try
        {
            long started = clock.GetTimestamp();
            while (IsAway(error) && clock.GetElapsedTime(started) < patience)
            {
                await PauseAsync(call.Cancellation);
                error = await handler(call);
            }

            return Told(error);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private async Task PauseAsync(CancellationToken cancellation)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAny(service.NextChange, Task.Delay(Pause, clock, end.Token));
        await end.CancelAsync();
        cancellation.ThrowIfCancellationRequested();
    }

    private bool IsAway(KmsError error) => error is KmsError.BackendUnavailable or KmsError.BackendTimeout
        || (error == KmsError.NotRunning && IsComingBack());

    /// <summary>Not stopped by an operator: it was running when the process ended, and its backend is being opened again.</summary>
    private bool IsComingBack()
    {
        using SnapshotLease lease = service.Acquire();
        return lease.Snapshot.IsMeantToRun;
    }

    /// <summary>A service that waits for its backend is not one that an operator has stopped.</summary>
    private KmsError Told(KmsError error) => error == KmsError.NotRunning && IsComingBack() ? KmsError.BackendUnavailable : error;
}
