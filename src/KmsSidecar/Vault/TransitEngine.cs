using KmsSidecar.Crypto;
using KmsSidecar.Errors;

namespace KmsSidecar.Vault;

/// <summary>A Transit mount: what can be asked of it, each question one call. Thread-safe.</summary>
/// <remarks>Names of keys go into paths as they are: the caller has checked that they are legal.</remarks>
/// <param name="mount">Its path, without a slash at either end.</param>
internal sealed class TransitEngine(IVault vault, string mount)
{
    private const string KeyIsGone = "could not delete key; not found";

    private readonly string _path = string.Join('/', mount.Split('/').Select(Uri.EscapeDataString));

    /// <summary>As the operator writes it.</summary>
    public string Mount => mount;

    /// <summary>For people: the server, and the namespace where there is one.</summary>
    public string ServerName => vault.Name;

    /// <returns>KeyNotFound when there is no such key; another error with its sentence.</returns>
    public async ValueTask<TransitKeyRead> ReadKeyAsync(string key, CancellationToken cancellation)
    {
        using VaultAnswer answer = await vault.SendAsync(
            new VaultCall("transit-read-key", HttpMethod.Get, $"{_path}/keys/{key}", VaultRepeat.Safe), cancellation);
        return answer.Fault switch
        {
            VaultFault.None when TransitKeyReader.TryRead(answer.Body, key) is { } found => new TransitKeyRead(KmsError.None, "", found),
            VaultFault.None => new TransitKeyRead(KmsError.BackendRejected, NotTransit("a key"), null),
            VaultFault.NotFound when answer.Reason.Length == 0 =>
                new TransitKeyRead(KmsError.KeyNotFound, $"key not found: '{key}' is not in Transit mount '{mount}' of {vault.Name}", null),
            _ => new TransitKeyRead(ColdError(answer.Fault), answer.Sentence, null, IsDenied: answer.Fault == VaultFault.PolicyDenied),
        };
    }

    /// <summary>Makes a key; where there is one of this name already, that stays as it is and nothing tells.</summary>
    /// <exception cref="KmsException">A backend error.</exception>
    public ValueTask CreateKeyAsync(string key, CancellationToken cancellation) => SendAsync(
        new VaultCall("transit-create-key", HttpMethod.Post, $"{_path}/keys/{key}", VaultRepeat.Safe, "{\"type\":\"aes256-gcm96\"}"u8.ToArray()),
        cancellation);

    /// <exception cref="KmsException">A backend error.</exception>
    public ValueTask RotateKeyAsync(string key, CancellationToken cancellation) =>
        SendAsync(new VaultCall("transit-rotate-key", HttpMethod.Post, $"{_path}/keys/{key}/rotate", VaultRepeat.Never), cancellation);

    /// <exception cref="KmsException">A backend error.</exception>
    public ValueTask AllowDeletionAsync(string key, CancellationToken cancellation) => SendAsync(
        new VaultCall(
            "transit-configure-key", HttpMethod.Post, $"{_path}/keys/{key}/config", VaultRepeat.Safe, "{\"deletion_allowed\":true}"u8.ToArray()),
        cancellation);

    /// <summary>Destroys a key; one that is gone already is no fault.</summary>
    /// <exception cref="KmsException">A backend error.</exception>
    public async ValueTask DeleteKeyAsync(string key, CancellationToken cancellation)
    {
        using VaultAnswer answer = await vault.SendAsync(
            new VaultCall("transit-delete-key", HttpMethod.Delete, $"{_path}/keys/{key}", VaultRepeat.Safe), cancellation);
        bool isGone = answer.Fault == VaultFault.Rejected && answer.Reason.Contains(KeyIsGone, StringComparison.Ordinal);
        if (answer.Fault != VaultFault.None && !isGone)
        {
            throw Failure(answer);
        }
    }

    /// <summary>The names of all keys, in no order.</summary>
    /// <exception cref="KmsException">A backend error.</exception>
    public async ValueTask<List<string>> ListKeysAsync(CancellationToken cancellation)
    {
        using VaultAnswer answer = await vault.SendAsync(
            new VaultCall("transit-list-keys", VaultCall.List, $"{_path}/keys", VaultRepeat.Safe), cancellation);
        return answer.Fault switch
        {
            VaultFault.None => TransitKeyReader.TryReadList(answer.Body) ?? throw new KmsException(KmsError.BackendRejected, NotTransit("a list of keys")),
            VaultFault.NotFound when answer.Reason.Length == 0 => [],
            _ => throw Failure(answer),
        };
    }

    /// <summary>Sends one item as a call of its own. Its outcome is in the item, whatever it is.</summary>
    /// <exception cref="OperationCanceledException">Only when <paramref name="cancellation"/> is cancelled; the item has no outcome then.</exception>
    public async ValueTask SendAsync(string key, TransitItem item, CancellationToken cancellation)
    {
        using VaultAnswer answer = await vault.SendAsync(CallFor(item.Direction, key, item.Request), cancellation);
        if (answer.Fault != VaultFault.None)
        {
            item.Fail(TransitFaults.ErrorOf(item.Direction, answer), ReasonOf(answer));
        }
        else if (!TransitAnswers.TryReadSingle(answer.Body, item))
        {
            item.Fail(KmsError.BackendRejected, NotTransit("a result"));
        }
    }

    /// <summary>Sends items of one direction as one call. Each one's outcome is in it, whatever it is.</summary>
    /// <returns>False when the server found them too many: none has an outcome then.</returns>
    public async ValueTask<bool> TrySendAsync(string key, ArraySegment<TransitItem> items, CancellationToken cancellation)
    {
        using SecretBuffer body = Join(items);
        using VaultAnswer answer = await vault.SendAsync(CallFor(items[0].Direction, key, body.WrittenMemory), cancellation);
        if (TransitFaults.IsTooLarge(answer))
        {
            return false;
        }

        // A batch with a bad item is a refusal that has every item's result.
        bool hasResults = answer.Fault is VaultFault.None or VaultFault.Rejected && TransitAnswers.TryReadBatch(answer.Body, items);
        if (!hasResults)
        {
            bool isRefused = answer.Fault != VaultFault.None;
            foreach (TransitItem item in items)
            {
                item.Fail(
                    isRefused ? TransitFaults.ErrorOfBatch(item.Direction, answer) : KmsError.BackendRejected,
                    isRefused ? ReasonOf(answer) : NotTransit("a result for each item"));
            }
        }

        return true;
    }

    private static SecretBuffer Join(ArraySegment<TransitItem> items)
    {
        ReadOnlySpan<byte> head = "{\"batch_input\":["u8;
        ReadOnlySpan<byte> tail = "]}"u8;
        int length = head.Length + tail.Length;
        foreach (TransitItem item in items)
        {
            length += item.Request.Length + 1;
        }

        SecretBuffer body = new(length);
        Span<byte> rest = body.GetSpan(length);
        head.CopyTo(rest);
        rest = rest[head.Length..];
        foreach (TransitItem item in items)
        {
            item.Request.Span.CopyTo(rest);
            rest[item.Request.Length] = (byte)',';
            rest = rest[(item.Request.Length + 1)..];
        }

        // Over the last comma, so that one byte of the room stays free.
        int written = length - tail.Length - 1;
        tail.CopyTo(body.GetSpan(length)[written..]);
        body.Advance(length - 1);
        return body;
    }

    private async ValueTask SendAsync(VaultCall call, CancellationToken cancellation)
    {
        using VaultAnswer answer = await vault.SendAsync(call, cancellation);
        if (answer.Fault != VaultFault.None)
        {
            throw Failure(answer);
        }
    }

    private VaultCall CallFor(TransitDirection direction, string key, ReadOnlyMemory<byte> body) => direction == TransitDirection.Encrypt
        ? new VaultCall("transit-encrypt", HttpMethod.Post, $"{_path}/encrypt/{key}", VaultRepeat.Safe, body)
        : new VaultCall("transit-decrypt", HttpMethod.Post, $"{_path}/decrypt/{key}", VaultRepeat.Safe, body);

    private static string ReasonOf(VaultAnswer answer) => answer.Fault == VaultFault.Rejected && answer.Reason.Length > 0 ? answer.Reason : answer.Sentence;

    private static KmsException Failure(VaultAnswer answer) => new(ColdError(answer.Fault), answer.Sentence);

    /// <summary>A key that is missing says so otherwise: this is the mount.</summary>
    private static KmsError ColdError(VaultFault fault) => fault == VaultFault.NotFound ? KmsError.BackendRejected : fault.ToError();

    private string NotTransit(string expected) =>
        $"{vault.Name} answers for mount '{mount}', but not with {expected}; check that it is a Transit mount: vault secrets list";
}

/// <param name="Sentence">For operators; empty when <paramref name="Error"/> is None.</param>
/// <param name="IsDenied">By a policy, for this key.</param>
internal readonly record struct TransitKeyRead(KmsError Error, string Sentence, TransitKey? Key, bool IsDenied = false);
