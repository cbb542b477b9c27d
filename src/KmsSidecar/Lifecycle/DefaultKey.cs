using KmsSidecar.Configuration;
using KmsSidecar.Errors;
using KmsSidecar.Keys;

namespace KmsSidecar.Lifecycle;

/// <summary>What becomes of the default key when a configuration goes live.</summary>
internal static class DefaultKey
{
    /// <summary>The id that requests without a key id mean; null when there is none.</summary>
    public static string? IdOf(Snapshot snapshot) =>
        snapshot.Configuration?.DefaultKeyId ?? (snapshot.IsRunning ? snapshot.Backends[0].Backend!.SoleKeyId : null);

    /// <summary>For a start: makes the key where the backend can, and lets a disabled or damaged one be, because the other keys' objects
    /// must stay readable.</summary>
    public static async Task EnsureAsync(IKeyBackend backend, KmsConfiguration configuration, ILogger log, CancellationToken cancellation)
    {
        if (configuration.DefaultKeyId is not { } id || await ExistsAsync(backend, id, cancellation))
        {
            return;
        }

        RefuseToMake(backend, id);
        try
        {
            await backend.CreateAsync(new NewKey(id, Description: null, Tags.Named(id)), cancellation);
            LifecycleLog.DefaultKeyCreated(log, id);
        }
        catch (KmsException refused) when (refused.Error == KmsError.InvalidKeyId)
        {
            throw Illegal(id, refused);
        }
    }

    /// <summary>For coming back after a restart: the key was there when the process ended. Where it is not, the place is not the one it was
    /// (a file system that is not mounted yet), and a key made there would be another one of the same name.</summary>
    public static async Task RequireAsBeforeAsync(IKeyBackend backend, KmsConfiguration configuration, CancellationToken cancellation)
    {
        if (configuration.DefaultKeyId is { } id && !await ExistsAsync(backend, id, cancellation))
        {
            throw new KmsException(
                KmsError.KeyNotFound,
                $"default key '{id}' is gone from backend {configuration.Summary}: mount or restore what holds it; only POST /rustfs/admin/v3/kms/start makes a new one");
        }
    }

    /// <summary>For a change on a live backend. One with other keys gets the default key that it lacks; elsewhere a name that is not there is
    /// a mistake. Either way a new default key must be usable.</summary>
    /// <param name="document">What <paramref name="configuration"/> was made from.</param>
    public static async Task CheckAsync(
        IKeyBackend backend,
        KmsConfiguration configuration,
        ConfigurationDocument document,
        Snapshot former,
        ILogger log,
        CancellationToken cancellation)
    {
        bool hasOtherKeys = !former.Document!.HasSameKeys(document);
        if (hasOtherKeys)
        {
            await EnsureAsync(backend, configuration, log, cancellation);
        }

        if (hasOtherKeys || configuration.DefaultKeyId != former.Configuration!.DefaultKeyId)
        {
            await RequireUsableAsync(backend, configuration, cancellation);
        }
    }

    /// <summary>Whether <see cref="CheckAsync"/> would make the default key. Makes nothing.</summary>
    /// <exception cref="KmsException">What <see cref="CheckAsync"/> would throw.</exception>
    public static async Task<bool> WouldCreateAsync(
        IKeyBackend backend, KmsConfiguration configuration, ConfigurationDocument document, Snapshot former, CancellationToken cancellation)
    {
        bool hasOtherKeys = !former.Document!.HasSameKeys(document);
        if (hasOtherKeys && configuration.DefaultKeyId is { } id && !await ExistsAsync(backend, id, cancellation))
        {
            RefuseToMake(backend, id);
            RequireLegal(configuration);
            return true;
        }

        if (hasOtherKeys || configuration.DefaultKeyId != former.Configuration!.DefaultKeyId)
        {
            await RequireUsableAsync(backend, configuration, cancellation);
        }

        return false;
    }

    /// <exception cref="KmsException">InvalidConfiguration: the default key has an id that no backend makes.</exception>
    public static void RequireLegal(KmsConfiguration configuration)
    {
        if (configuration.DefaultKeyId is { } id && !KeyId.IsLegal(id))
        {
            throw Illegal(id, new KmsException(KmsError.InvalidKeyId));
        }
    }

    private static void RefuseToMake(IKeyBackend backend, string id)
    {
        if (backend.WhyNoDefaultKeyIsMade(id) is { } why)
        {
            throw new KmsException(KmsError.KeyNotFound, why);
        }
    }

    private static KmsException Illegal(string id, KmsException cause) =>
        new(KmsError.InvalidConfiguration, $"default_key_id '{id}' cannot be made: {cause.Message}", cause);

    private static async Task RequireUsableAsync(IKeyBackend backend, KmsConfiguration configuration, CancellationToken cancellation)
    {
        if (configuration.DefaultKeyId is not { } id)
        {
            return;
        }

        (KmsError error, KeyDescription? key) = await backend.FindAsync(id, cancellation);
        if (error == KmsError.KeyNotFound)
        {
            throw new KmsException(error, $"default key '{id}' does not exist; make it first: POST /rustfs/admin/v3/kms/keys {{\"key_name\":\"{id}\"}}");
        }

        if (error != KmsError.None)
        {
            throw new KmsException(error, $"default key '{id}': {KmsErrors.Describe(error).Sentence}");
        }

        if (key!.State != KeyState.Enabled)
        {
            throw new KmsException(KmsError.KeyDisabled, $"default key '{id}' cannot wrap: its state is {key.State}");
        }
    }

    /// <summary>True also for a damaged key.</summary>
    private static async Task<bool> ExistsAsync(IKeyBackend backend, string id, CancellationToken cancellation)
    {
        (KmsError error, bool isKey) = await backend.HasKeyAsync(id, cancellation);
        return error == KmsError.None
            ? isKey
            : throw new KmsException(error, $"default key '{id}' cannot be looked for: {KmsErrors.Describe(error).Sentence}; the log says why");
    }
}
