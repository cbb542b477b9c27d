using KmsSidecar.Errors;

namespace KmsSidecar.Keys;

/// <summary>Questions that every backend answers in the same way.</summary>
internal static class KeyBackends
{
    /// <summary>Whether there is a key of this id, which may be damaged or disabled.</summary>
    /// <returns>None, or why it is not known.</returns>
    public static async ValueTask<(KmsError Error, bool IsKey)> HasKeyAsync(this IKeyBackend backend, string keyId, CancellationToken cancellation)
    {
        (KmsError error, _) = await backend.FindAsync(keyId, cancellation);
        return error switch
        {
            KmsError.None or KmsError.KeyDamaged => (KmsError.None, true),
            KmsError.KeyNotFound => (KmsError.None, false),
            _ => (error, false),
        };
    }
}
