using System.Text.Json;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>What the daemon says that a configuration would change, in words.</summary>
internal static class ConfigurationDifference
{
    /// <param name="preview">The answer to a dry run.</param>
    /// <returns>Empty when nothing would change.</returns>
    public static string Of(JsonElement preview)
    {
        List<string> differences = [];
        foreach (JsonProperty change in preview.Member("changes")?.EnumerateObject() ?? default)
        {
            if (change.Value.Flag("changed") == true)
            {
                differences.Add(Say(change.Name, change.Value));
            }
        }

        return string.Join(", ", differences);
    }

    private static string Say(string name, JsonElement change) => change.Shown("before") is { } before
        ? $"{name} {before} -> {change.Shown("after") ?? "default"}"
        : $"{name} {change.Shown("after")}";
}
