using System.Collections.Immutable;
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
    /// <summary>The keys that have a place in a list: not those that are gone, damaged, or not for this token.</summary>
    /// <exception cref="KmsException">A backend error; also where the token may read none at all, which is a mistake in its policy.</exception>
    public static ImmutableArray<KeyDescription> Listed(IReadOnlyCollection<KeyLook> looks)
    {
        bool isAllDenied = looks.All(static look => look.IsDenied);
        foreach (KeyLook look in looks)
        {
            bool isKnown = look.Error is KmsError.None or KmsError.KeyNotFound or KmsError.KeyDamaged;
            if (!isKnown && (isAllDenied || !look.IsDenied))
            {
                throw look.Sentence is null ? new KmsException(look.Error) : new KmsException(look.Error, look.Sentence);
            }
        }

        return [.. looks.Select(static look => look.Key).OfType<KeyDescription>()];
    }
}
