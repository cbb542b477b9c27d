using KmsSidecar.Errors;
using KmsSidecar.Keys;
using KmsSidecar.Lifecycle;

namespace KmsSidecar.Operations;

/// <summary>What operators do to the keys of the active backend, one change at a time. Former backends are decrypt-only: nothing in them is changed.</summary>
/// <remarks>Keys are named as <see cref="KeyReference"/> takes them. Every change is logged once it is durable.</remarks>
/// <param name="allowsImmediateDeletion">The node lets keys be destroyed without a waiting period.</param>
internal sealed class KeyAdministration(KmsService service, bool allowsImmediateDeletion, TimeProvider clock, ILoggerFactory logs)
{
    /// <summary>Days between a deletion's scheduling and the key's destruction; upstream's bounds and default.</summary>
    public const long ShortestWindow = 7;
    public const long LongestWindow = 30;

    private readonly ILogger _log = logs.CreateLogger("rustfs::kms::keys");

    public Task<KeyDescription> CreateAsync(NewKey request, Actor actor, CancellationToken cancellation) => service.ChangeKeysAsync(
        async snapshot =>
        {
            KeyDescription key = await snapshot.Backends[0].Backend!.CreateAsync(request, cancellation);
            KeyLog.Created(_log, key.KeyId, actor.Who, actor.From);
            return key;
        },
        cancellation);

    /// <summary>Everything but a deletion's scheduling, which is <see cref="ScheduleDeletionAsync"/>.</summary>
    public Task<KeyDescription> ChangeAsync(string reference, KeyChange change, Actor actor, CancellationToken cancellation) => WithKeyAsync(
        reference,
        async (snapshot, keyId) =>
        {
            KeyDescription key = await snapshot.Backends[0].Backend!.ChangeAsync(keyId, change, cancellation);
            Log(change, key, actor);
            return key;
        },
        cancellation);

    /// <summary>Also the default key may be scheduled: <see cref="KeySweeper"/> does not destroy it as long as it is that.</summary>
    /// <param name="days">Null for the longest window.</param>
    /// <exception cref="KmsException">MalformedRequest: a window that is too short or too long, whether or not the key exists.</exception>
    public async Task<KeyDescription> ScheduleDeletionAsync(string reference, long? days, Actor actor, CancellationToken cancellation)
    {
        long window = days ?? LongestWindow;
        if (window is < ShortestWindow or > LongestWindow)
        {
            throw new KmsException(KmsError.MalformedRequest, $"pending_window_in_days must be between {ShortestWindow} and {LongestWindow}");
        }

        KeyChange.ScheduleDeletion change = new(clock.GetUtcNow().AddDays(window));
        return await ChangeAsync(reference, change, actor, cancellation);
    }

    public Task<KeyDescription> RotateAsync(string reference, Actor actor, CancellationToken cancellation) => WithKeyAsync(
        reference,
        async (snapshot, keyId) =>
        {
            KeyDescription key = await snapshot.Backends[0].Backend!.RotateAsync(keyId, cancellation);
            KeyLog.Rotated(_log, key.KeyId, key.Version, actor.Who, actor.From);
            return key;
        },
        cancellation);

    /// <summary>Destroys a key without a waiting period: what it wrapped is lost for good.</summary>
    /// <param name="confirmation">The key's id, as a second look at what is about to be lost.</param>
    /// <returns>The id of the key that is gone.</returns>
    /// <exception cref="KmsException">ImmediateDeletionRefused: not on this node, or not confirmed. KeyStillReferenced: the default key.</exception>
    public Task<string> DestroyAsync(string reference, string? confirmation, Actor actor, CancellationToken cancellation) => WithKeyAsync(
        reference,
        async (snapshot, keyId) =>
        {
            RefuseUnguarded(snapshot, keyId, confirmation);
            await snapshot.Backends[0].Backend!.DestroyAsync(keyId, ifDueBy: null, cancellation);
            KeyLog.Destroyed(_log, keyId, actor.Who, actor.From);
            return keyId;
        },
        cancellation);

    private Task<T> WithKeyAsync<T>(string reference, Func<Snapshot, string, Task<T>> change, CancellationToken cancellation) =>
        service.ChangeKeysAsync(
            async snapshot =>
            {
                (KmsError error, string keyId) = await KeyReference.ResolveAsync(snapshot, reference, cancellation);
                return error == KmsError.None ? await change(snapshot, keyId) : throw new KmsException(error);
            },
            cancellation);

    private void RefuseUnguarded(Snapshot snapshot, string keyId, string? confirmation)
    {
        if (!allowsImmediateDeletion)
        {
            throw new KmsException(
                KmsError.ImmediateDeletionRefused,
                "keys are destroyed at once only where the daemon runs with --allow-immediate-deletion; schedule the deletion instead");
        }

        if (confirmation != keyId)
        {
            throw new KmsException(KmsError.ImmediateDeletionRefused, "immediate deletion needs 'confirm_key_id', equal to the key's id");
        }

        if (KeyImpact.Of(snapshot, keyId).IsDefaultKey)
        {
            throw new KmsException(
                KmsError.KeyStillReferenced, $"key '{keyId}' is the default key of the configuration in effect; reconfigure to another one first");
        }
    }

    private void Log(KeyChange change, KeyDescription key, Actor actor)
    {
        switch (change)
        {
            case KeyChange.Enable:
                KeyLog.Enabled(_log, key.KeyId, actor.Who, actor.From);
                break;
            case KeyChange.Disable:
                KeyLog.Disabled(_log, key.KeyId, actor.Who, actor.From);
                break;
            case KeyChange.ScheduleDeletion:
                KeyLog.DeletionScheduled(_log, key.KeyId, key.DeletionDate, actor.Who, actor.From);
                break;
            case KeyChange.CancelDeletion:
                KeyLog.DeletionCancelled(_log, key.KeyId, actor.Who, actor.From);
                break;
            case KeyChange.Describe:
                KeyLog.Described(_log, key.KeyId, actor.Who, actor.From);
                break;
            case KeyChange.Tag:
                KeyLog.Tagged(_log, key.KeyId, actor.Who, actor.From);
                break;
            case KeyChange.Untag:
                KeyLog.Untagged(_log, key.KeyId, actor.Who, actor.From);
                break;
        }
    }
}
