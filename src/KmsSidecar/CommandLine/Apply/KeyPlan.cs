using System.Text.Json;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Apply;

/// <summary>What makes a key as the file has it. Tags and texts that the file does not name stay.</summary>
internal static class KeyPlan
{
    /// <param name="actual">The daemon's <c>key_metadata</c>; undefined where there is no such key.</param>
    public static IReadOnlyList<Step> Of(DesiredKey desired, JsonElement actual)
    {
        List<Step> steps = [];

        // An alias, such as "default", finds a key of another name.
        bool exists = actual.Text("key_id") == desired.Id;
        if (!exists)
        {
            steps.Add(Create(desired));
        }
        else
        {
            AddMetadata(steps, desired, actual);
        }

        AddState(steps, desired, exists ? actual.Text("key_state") : "Enabled");
        return steps;
    }

    private static Step Create(DesiredKey desired) => new("created", HttpMethod.Post, "keys", writer =>
    {
        writer.WriteString("key_name", desired.Id);
        if (desired.Description is { } description)
        {
            writer.WriteString("description", description);
        }

        if (!desired.Tags.IsEmpty)
        {
            WriteTags(writer, desired.Tags);
        }
    });

    private static void AddMetadata(List<Step> steps, DesiredKey desired, JsonElement actual)
    {
        if (desired.Description is { } description && description != (actual.Text("description") ?? ""))
        {
            steps.Add(Change("described", "update-description", desired, writer => writer.WriteString("description", description)));
        }

        JsonElement tags = actual.Member("tags") ?? default;
        KeyValuePair<string, string>[] missing = [.. desired.Tags.Where(tag => tags.Text(tag.Key) != tag.Value)];
        if (missing.Length > 0)
        {
            string names = string.Join(", ", missing.Select(static tag => tag.Key));
            steps.Add(Change($"tagged ({names})", "tag", desired, writer => WriteTags(writer, missing)));
        }
    }

    private static void AddState(List<Step> steps, DesiredKey desired, string? state)
    {
        if (desired.State is null || desired.State == state)
        {
            return;
        }

        if (state == "PendingDeletion")
        {
            steps.Add(Change("kept from its deletion", "cancel-deletion", desired));
        }

        steps.Add(desired.State == "Enabled" ? Change("enabled", "enable", desired) : Change("disabled", "disable", desired));
    }

    private static Step Change(string done, string verb, DesiredKey key, Action<Utf8JsonWriter>? member = null) => new(
        done,
        HttpMethod.Post,
        $"keys/{verb}",
        writer =>
        {
            writer.WriteString("key_id", key.Id);
            member?.Invoke(writer);
        });

    private static void WriteTags(Utf8JsonWriter writer, IEnumerable<KeyValuePair<string, string>> tags)
    {
        writer.WriteStartObject("tags");
        foreach ((string name, string value) in tags)
        {
            writer.WriteString(name, value);
        }

        writer.WriteEndObject();
    }
}
