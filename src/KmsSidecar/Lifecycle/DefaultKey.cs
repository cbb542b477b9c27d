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

    /// <summary>For a backend that goes live: makes the key where the backend can, and lets a disabled or damaged one be,
    /// because the other keys' objects must stay readable.</summary>
    /// <returns>Whether the key was made.</returns>
    public static async ValueTask<bool> EnsureAsync(IKeyBackend backend, KmsConfiguration configuration, CancellationToken cancellation)
    {
        if (configuration.DefaultKeyId is not { } id)
        {
            return false;
        }

        (KmsError error, _) = await backend.FindAsync(id, cancellation);
        if (error != KmsError.KeyNotFound)
        {
            return error is KmsError.None or KmsError.KeyDamaged ? false : throw new KmsException(error);
        }

        try
        {
            await backend.CreateAsync(new NewKey(id, Description: null, Tags.Named(id)), cancellation);
            return true;
        }
        catch (KmsException refused) when (refused.Error == KmsError.Unsupported)
        {
            throw new KmsException(
                KmsError.KeyNotFound, $"default key '{id}' does not exist in backend '{configuration.Backend.Tag()}', which cannot make keys", refused);
        }
        catch (KmsException refused) when (refused.Error == KmsError.InvalidKeyId)
        {
            throw new KmsException(KmsError.InvalidConfiguration, $"default_key_id '{id}' cannot be made: {refused.Message}", refused);
        }
    }

    /// <summary>For a change of the default on a live backend: the key must be there and usable.</summary>
    public static async ValueTask RequireAsync(IKeyBackend backend, KmsConfiguration configuration, CancellationToken cancellation)
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
            throw new KmsException(error);
        }

        if (key!.State != KeyState.Enabled)
        {
            throw new KmsException(KmsError.KeyDisabled, $"default key '{id}' cannot wrap: its state is {key.State}");
        }
    }
}
