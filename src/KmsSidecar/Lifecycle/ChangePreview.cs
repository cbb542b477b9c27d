using System.Collections.Immutable;
using KmsSidecar.Configuration;

namespace KmsSidecar.Lifecycle;

/// <summary>What a change would do, found out without doing it. Holds no secret.</summary>
/// <param name="Backend"><c>kept</c>: one instance goes on; <c>reopened</c>: the same keys, opened anew; <c>replaced</c>: other keys.</param>
/// <param name="WouldCreate">What the change would make, in words.</param>
/// <param name="DecryptOnlyAfter">Names of the backends that would be decrypt-only.</param>
internal sealed record ChangePreview(
    ImmutableArray<FieldChange> Changes, string Backend, ImmutableArray<string> WouldCreate, ImmutableArray<string> DecryptOnlyAfter);

/// <summary>What opening a backend would have to make first, in words; empty when all is there.</summary>
/// <exception cref="Errors.KmsException">It could not be made.</exception>
internal delegate ImmutableArray<string> MissingParts(ConfigurationDocument document);
