using System.Text.Json.Nodes;
using KmsSidecar.Doubles.Core;

namespace KmsSidecar.Doubles.Kv;

internal static class KvListing
{
    /// <summary>What lies one level below a folder: names, and folders with a slash at their end.</summary>
    /// <param name="folder">Empty, or with a slash at its end.</param>
    public static Answer Of(IEnumerable<string> paths, string folder)
    {
        JsonNode[] names =
        [
            .. paths.Where(path => path.StartsWith(folder, StringComparison.Ordinal))
                .Select(path => path[folder.Length..])
                .Select(static rest => rest.IndexOf('/', StringComparison.Ordinal) is var slash && slash >= 0 ? rest[..(slash + 1)] : rest)
                .Distinct()
                .Order(StringComparer.Ordinal)
                .Select(static name => JsonValue.Create(name)),
        ];
        return names.Length == 0 ? throw VaultFailure.NotFound() : Answer.Data(new JsonObject { ["keys"] = new JsonArray(names) });
    }
}
