using System.CommandLine;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;
using KmsSidecar.CommandLine.Terminal;

namespace KmsSidecar.CommandLine.Keys;

/// <summary><c>keys show</c>, and the changes that need no more than a key.</summary>
internal static class KeyCommands
{
    public static Argument<string> Key { get; } = new("KEY") { Description = "Id of the key, alias/NAME or an ARN" };

    public static IEnumerable<Command> Build() =>
    [
        AdminCommand.Build(
            new CommandHelp("show", "Show a key, and what names it.", "kms-sidecar keys show objects-1"),
            static result => AdminRequest.Get($"keys/{Uri.EscapeDataString(result.GetRequiredValue(Key))}?impact=true"),
            PrintKey,
            Key),
        Change("rotate", "Give a key a new version. New data keys use it, and the former versions go on opening what they wrapped."),
        Change("enable", "Let a key wrap again."),
        Change("disable", "Keep a key from wrapping. It goes on opening what it wrapped."),
        Change("cancel-deletion", "Keep a key that was to be deleted. It gets the state back that it had."),
    ];

    /// <summary>Sentence, key and state.</summary>
    public static void PrintChange(JsonElement answer, TextWriter output)
    {
        string? state = answer.Member("key_metadata")?.Shown("key_state");
        output.WriteLine($"{answer.Shown("message")}: {answer.Shown("key_id")}{(state is null ? "" : $", {state}")}");
    }

    private static Command Change(string name, string description) => AdminCommand.Build(
        new CommandHelp(name, description, $"kms-sidecar keys {name} objects-1"),
        result => AdminRequest.Post($"keys/{name}", body => body.WriteString("key_id", result.GetRequiredValue(Key))),
        PrintChange,
        Key);

    private static void PrintKey(JsonElement answer, TextWriter output)
    {
        if (answer.Member("key_metadata") is not { } key)
        {
            return;
        }

        Table table = new();
        table.Add("key", key.Shown("key_id") ?? "");
        table.Add("state", PaintState(key.Shown("key_state") ?? ""));
        AddIfThere(table, "description", key.Shown("description"));
        AddIfThere(table, "created", HumanTime.Dated(key.Text("creation_date")));
        AddIfThere(table, "deleted", HumanTime.Dated(key.Text("deletion_date")));
        AddIfThere(table, "origin", key.Shown("origin"));
        foreach (JsonProperty tag in key.Member("tags")?.EnumerateObject() ?? default)
        {
            table.Add("tag", $"{tag.Name}={tag.Value.Shown()}");
        }

        foreach (JsonElement reference in answer.Member("impact")?.Items("references") ?? [])
        {
            table.Add("used by", reference.Shown("detail") ?? "");
        }

        table.WriteTo(output);
    }

    /// <summary>In either spelling: listings have Active for Enabled.</summary>
    public static string PaintState(string state) => state switch
    {
        "Enabled" or "Active" => Ink.Good(state),
        "Disabled" => Ink.Warning(state),
        _ => Ink.Bad(state),
    };

    private static void AddIfThere(Table table, string name, string? value)
    {
        if (value is { Length: > 0 })
        {
            table.Add(name, value);
        }
    }
}
