using System.Security.Cryptography;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;

namespace KmsSidecar.Operations;

/// <summary>Tries whether a data key can be made with the default key, and opened again.</summary>
/// <remarks>In this process that costs microseconds and is done whenever somebody asks. Where it takes another server, it is done at most once in
/// <see cref="Interval"/>, and once at a time, whoever asks. Thread-safe.</remarks>
internal sealed class DataKeyProbe(KmsService service, TimeProvider clock)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    /// <summary>After a failure: the end of an outage is to be seen soon.</summary>
    public static readonly TimeSpan IntervalAfterFailure = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly Task<KmsException?> NoFault = Task.FromResult<KmsException?>(null);

    private readonly Lock _lock = new();

    /// <summary>What <see cref="_last"/> was asked of: another configuration is asked anew.</summary>
    private Snapshot? _asked;
    private Task<KmsException?> _last = NoFault;
    private long _askedAt;

    /// <returns>Why not; null when it can, and where there is no default key: then every caller names one.</returns>
    public Task<KmsException?> FindFaultAsync(Snapshot snapshot, CancellationToken cancellation)
    {
        if (!snapshot.IsElsewhere)
        {
            return AskAsync();
        }

        lock (_lock)
        {
            if (_asked != snapshot || (_last.IsCompleted && clock.GetElapsedTime(_askedAt) >= Life(_last)))
            {
                (_asked, _askedAt) = (snapshot, clock.GetTimestamp());
                _last = AskAsync();
            }

            return _last.WaitAsync(cancellation);
        }
    }

    private static TimeSpan Life(Task<KmsException?> last) => last is { IsCompletedSuccessfully: true, Result: null } ? Interval : IntervalAfterFailure;

    /// <summary>On a snapshot of its own: whoever asked first may leave before it is found out.</summary>
    private async Task<KmsException?> AskAsync()
    {
        using SnapshotLease lease = service.Acquire();
        using CancellationTokenSource late = new(Patience, clock);
        try
        {
            if (DefaultKey.IdOf(lease.Snapshot) is not null)
            {
                await ThereAndBackAsync(lease.Snapshot, late.Token);
            }

            return null;
        }
        catch (OperationCanceledException)
        {
            return new KmsException(KmsError.BackendTimeout);
        }
        catch (KmsException refused)
        {
            return refused;
        }
    }

    private static async Task ThereAndBackAsync(Snapshot snapshot, CancellationToken cancellation)
    {
        const int Length = 32;
        using SecretBuffer made = new(Length);
        using SecretBuffer opened = new(Envelope.MaxPlaintextLength);
        using SecretBuffer envelope = new();
        Memory<byte> plaintext = made.GetMemory(Length)[..Length];
        DataKeys.Wrapped wrapped = await DataKeys.GenerateAsync(
            snapshot, keyReference: null, KeySpecs.OfLength(Length), EncryptionContext.Empty, plaintext, envelope, cancellation);
        Require(wrapped.Error);

        Memory<byte> room = opened.GetMemory(Envelope.MaxPlaintextLength);
        DataKeys.Opened back = await DataKeys.DecryptAsync(snapshot, envelope.WrittenMemory, EncryptionContext.Empty, room, cancellation);
        Require(back.Error);
        Require(CryptographicOperations.FixedTimeEquals(plaintext.Span, room.Span[..back.Length]) ? KmsError.None : KmsError.Internal);
    }

    private static void Require(KmsError error)
    {
        if (error != KmsError.None)
        {
            throw new KmsException(error);
        }
    }
}
