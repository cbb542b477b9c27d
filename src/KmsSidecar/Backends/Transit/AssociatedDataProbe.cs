using System.Security.Cryptography;
using KmsSidecar.Crypto;
using KmsSidecar.Errors;
using KmsSidecar.Vault;

namespace KmsSidecar.Backends.Transit;

/// <summary>Finds out whether the server honours <c>associated_data</c>, singly and in batches: wrong data must fail.</summary>
/// <remarks>A server that ignores it would write data keys whose context anyone may change; one that ignores it in batches alone, data keys that never
/// open singly. Thread-safe; a verdict stands for the life of the backend, a fault on the way is no verdict.</remarks>
internal sealed class AssociatedDataProbe(TransitEngine engine, TransitCoalescer coalescer, BackendReports reports)
{
    private const int ProbeLength = 32;

    private static readonly byte[] RightData = "{\"kms-sidecar\":\"probe\"}"u8.ToArray();
    private static readonly byte[] WrongData = "{\"kms-sidecar\":\"other\"}"u8.ToArray();

    private readonly Lock _gate = new();
    private Task<(KmsError Error, string Sentence)>? _running;
    private volatile bool _isProven;
    private volatile bool _isTried;

    /// <summary>Returns None once it is known that it does, and lets batches be used if they may.</summary>
    /// <param name="keyId">A key that exists: where the token may make keys, encrypting under a missing one would make it.</param>
    /// <returns>BackendRejected when it does not; another error when that could not be found out.</returns>
    public ValueTask<(KmsError Error, string Sentence)> EnsureAsync(string keyId, CancellationToken cancellation)
    {
        if (_isProven)
        {
            return new ValueTask<(KmsError, string)>((KmsError.None, ""));
        }

        Task<(KmsError Error, string Sentence)> running;
        lock (_gate)
        {
            running = _running ??= RunAsync(keyId);
        }

        return new ValueTask<(KmsError, string)>(running.WaitAsync(cancellation));
    }

    /// <summary>Once, and without anyone waiting for it: for a backend that opens data keys and makes none.</summary>
    /// <param name="keyId">As for <see cref="EnsureAsync"/>.</param>
    public void Begin(string keyId)
    {
        if (!_isProven && !_isTried)
        {
            _isTried = true;
            _ = EnsureAsync(keyId, CancellationToken.None).AsTask();
        }
    }

    private async Task<(KmsError Error, string Sentence)> RunAsync(string keyId)
    {
        // So that the field is set before this ends.
        await Task.Yield();
        KmsError error = KmsError.Internal;
        string sentence = "";
        bool isVerdict = false;
        try
        {
            (error, sentence, isVerdict) = await ProbeAsync(keyId);
            _isProven = isVerdict && error == KmsError.None;
        }
        finally
        {
            if (!isVerdict)
            {
                lock (_gate)
                {
                    _running = null;
                }
            }
        }

        return (error, sentence);
    }

    private async ValueTask<(KmsError Error, string Sentence, bool IsVerdict)> ProbeAsync(string keyId)
    {
        using SecretBytes plaintext = SecretBytes.Random(ProbeLength);
        using TransitItem made = TransitItem.Encrypt(plaintext.Span, RightData);
        await engine.SendAsync(keyId, made, CancellationToken.None);
        if (made.Error != KmsError.None)
        {
            return (made.Error, made.Reason, false);
        }

        switch (await OpensAsRightAsync(keyId, made.Result.ToArray(), plaintext))
        {
            case { Error: not KmsError.None } failed:
                return (failed.Error, failed.Sentence, false);
            case { IsHonoured: false }:
                return (KmsError.BackendRejected, $"{engine.ServerName} ignores associated_data in Transit mount '{engine.Mount}': data keys would not be bound to their context; "
                    + "use a server that knows it: OpenBao, or Vault 1.9 and later", true);
        }

        (KmsError error, string sentence, bool isHonoured) = await BatchesAsync(keyId, plaintext);
        if (error != KmsError.None)
        {
            return (error, sentence, false);
        }

        if (isHonoured)
        {
            coalescer.BatchLimit = TransitCoalescer.MaxBatch;
        }
        else
        {
            reports.Notice(
                $"{engine.ServerName} does not honour associated_data in batches of Transit mount '{engine.Mount}': each data key is a call of its own, which is slower");
        }

        return (KmsError.None, "", true);
    }

    /// <summary>Opened singly: with other data and with none it must fail, with its own it must open.</summary>
    private async ValueTask<(KmsError Error, string Sentence, bool IsHonoured)> OpensAsRightAsync(string keyId, byte[] ciphertext, SecretBytes plaintext)
    {
        bool isHonoured = true;
        foreach ((byte[] data, bool isRight) in ((byte[], bool)[])[(WrongData, false), ([], false), (RightData, true)])
        {
            using TransitItem item = TransitItem.Decrypt(ciphertext, data);
            await engine.SendAsync(keyId, item, CancellationToken.None);
            if (item.Error is not (KmsError.None or KmsError.InvalidCiphertext))
            {
                return (item.Error, item.Reason, false);
            }

            isHonoured &= IsAsExpected(item, isRight, plaintext);
        }

        return (KmsError.None, "", isHonoured);
    }

    /// <summary>What a batch made must open singly with its own data alone; and in a batch wrong data must fail beside right data.</summary>
    private async ValueTask<(KmsError Error, string Sentence, bool IsHonoured)> BatchesAsync(string keyId, SecretBytes plaintext)
    {
        using TransitItem made = TransitItem.Encrypt(plaintext.Span, RightData);
        using TransitItem bare = TransitItem.Encrypt(plaintext.Span, []);
        await engine.TrySendAsync(keyId, (TransitItem[])[made, bare], CancellationToken.None);
        if (made.Error != KmsError.None || bare.Error != KmsError.None)
        {
            return MayBeNoBatch(made);
        }

        byte[] ciphertext = made.Result.ToArray();
        (KmsError error, string sentence, bool isHonoured) = await OpensAsRightAsync(keyId, ciphertext, plaintext);
        using TransitItem right = TransitItem.Decrypt(ciphertext, RightData);
        using TransitItem wrong = TransitItem.Decrypt(ciphertext, WrongData);
        if (error != KmsError.None || !isHonoured)
        {
            return (error, sentence, isHonoured);
        }

        await engine.TrySendAsync(keyId, (TransitItem[])[wrong, right], CancellationToken.None);
        return right.Error is KmsError.None or KmsError.InvalidCiphertext && wrong.Error is KmsError.None or KmsError.InvalidCiphertext
            ? (KmsError.None, "", IsAsExpected(right, isRight: true, plaintext) && IsAsExpected(wrong, isRight: false, plaintext))
            : MayBeNoBatch(right);
    }

    /// <summary>A live server that refuses the batch, or answers it with something else, does not know it; any other fault says nothing.</summary>
    private static (KmsError Error, string Sentence, bool IsHonoured) MayBeNoBatch(TransitItem item) =>
        item.Error is KmsError.BackendRejected or KmsError.Internal ? (KmsError.None, "", false) : (item.Error, item.Reason, false);

    private static bool IsAsExpected(TransitItem item, bool isRight, SecretBytes plaintext) =>
        isRight ? item.Error == KmsError.None && CryptographicOperations.FixedTimeEquals(item.Result, plaintext.Span) : item.Error == KmsError.InvalidCiphertext;
}
