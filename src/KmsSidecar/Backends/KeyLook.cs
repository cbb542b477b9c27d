using KmsSidecar.Errors;
using KmsSidecar.Keys;

namespace KmsSidecar.Backends;

/// <summary>What a look at one of many keys of a store has found.</summary>
/// <param name="Error">None; KeyNotFound; KeyDamaged; or a backend error.</param>
/// <param name="Sentence">For operators; null for the error's own.</param>
/// <param name="IsDenied">The backend error is that this token may not read this key, and says nothing of others.</param>
/// <param name="Key">Null unless <paramref name="Error"/> is None.</param>
internal readonly record struct KeyLook(KmsError Error, string? Sentence, bool IsDenied, KeyDescription? Key)
{
    /// <summary>The key; null for one that is gone, damaged, or not for this token, and that has no place in a list.</summary>
    /// <exception cref="KmsException">A backend error.</exception>
    public KeyDescription? Listed => Error is KmsError.None or KmsError.KeyNotFound or KmsError.KeyDamaged || IsDenied
        ? Key
        : throw (Sentence is null ? new KmsException(Error) : new KmsException(Error, Sentence));
}
