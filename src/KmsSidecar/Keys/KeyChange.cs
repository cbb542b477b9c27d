using System.Collections.Immutable;

namespace KmsSidecar.Keys;

/// <summary>A change of what is said about a key; its material stays as it is. Closed: <see cref="KeyRules.Apply"/> knows them all.</summary>
internal abstract record KeyChange
{
    private KeyChange()
    {
    }

    /// <summary>No change when the key is enabled already.</summary>
    public sealed record Enable : KeyChange;

    /// <summary>No change when the key is disabled already. A disabled key still opens what it wrapped.</summary>
    public sealed record Disable : KeyChange;

    /// <param name="Due">When the key may be destroyed; the caller has checked the window.</param>
    public sealed record ScheduleDeletion(DateTimeOffset Due) : KeyChange;

    /// <summary>Back to the state before the deletion was scheduled.</summary>
    public sealed record CancelDeletion : KeyChange;

    /// <param name="Description">Empty takes it away.</param>
    public sealed record Describe(string Description) : KeyChange;

    /// <summary>Adds tags or puts them in the place of others of the same name.</summary>
    public sealed record Tag(ImmutableSortedDictionary<string, string> Tags) : KeyChange;

    /// <summary>Tags that the key does not have are ignored.</summary>
    public sealed record Untag(ImmutableArray<string> Names) : KeyChange;
}
