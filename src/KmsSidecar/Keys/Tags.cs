using System.Collections.Immutable;

namespace KmsSidecar.Keys;

/// <summary>Tags of a key: RustFS keeps the key's own name in the tag <c>name</c>.</summary>
internal static class Tags
{
    public const string Name = "name";

    public static readonly ImmutableSortedDictionary<string, string> None =
        ImmutableSortedDictionary<string, string>.Empty.WithComparers(StringComparer.Ordinal);

    public static ImmutableSortedDictionary<string, string> Named(string id) => None.Add(Name, id);
}
