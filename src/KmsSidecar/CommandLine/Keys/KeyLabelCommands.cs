using System.CommandLine;
using System.Text.Json;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.CommandLine.Keys;

/// <summary><c>keys create</c>, and what people write on keys: <c>describe</c>, <c>tag</c> and <c>untag</c>.</summary>
internal static class KeyLabelCommands
{
    private static readonly Argument<string?> NewKey = new("KEY")
    {
        Description = "Its id: 1 to 128 of A-Z a-z 0-9 . _ - [default: a random one]",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Argument<string> Text = new("TEXT") { Description = "What the key is for" };

    private static readonly Argument<string[]> Tags = new("NAME=VALUE") { Description = "Tags to set; others stay", Arity = ArgumentArity.OneOrMore };

    private static readonly Argument<string[]> TagNames = new("NAME") { Description = "Tags to take away", Arity = ArgumentArity.OneOrMore };

    private static readonly Option<string?> Description = new("--description") { Description = "What the key is for", HelpName = "TEXT" };

    private static readonly Option<string[]> NewTags = new("--tag")
    {
        Description = "A tag of the key; repeatable",
        HelpName = "NAME=VALUE",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    public static IEnumerable<Command> Build() =>
    [
        AdminCommand.Build(
            new CommandHelp("create", "Make a key.", "kms-sidecar keys create objects-2 --description 'objects since March' --tag team=storage"),
            static result => AdminRequest.Post("keys", body => WriteNewKey(body, result)),
            KeyCommands.PrintChange,
            NewKey,
            Description,
            NewTags),
        AdminCommand.Build(
            new CommandHelp("describe", "Replace the description of a key.", "kms-sidecar keys describe objects-2 'objects since March'"),
            static result => Change("update-description", result, body => body.WriteString("description", result.GetRequiredValue(Text))),
            KeyCommands.PrintChange,
            KeyCommands.Key,
            Text),
        AdminCommand.Build(
            new CommandHelp("tag", "Set tags of a key.", "kms-sidecar keys tag objects-2 team=storage tier=cold"),
            static result => Change("tag", result, body => WriteTags(body, result.GetRequiredValue(Tags))),
            KeyCommands.PrintChange,
            KeyCommands.Key,
            Tags),
        AdminCommand.Build(
            new CommandHelp("untag", "Take tags away from a key.", "kms-sidecar keys untag objects-2 tier"),
            static result => Change("untag", result, body =>
            {
                body.WriteStartArray("tag_keys");
                Array.ForEach(result.GetRequiredValue(TagNames), body.WriteStringValue);
                body.WriteEndArray();
            }),
            KeyCommands.PrintChange,
            KeyCommands.Key,
            TagNames),
    ];

    private static AdminRequest Change(string name, ParseResult result, Action<Utf8JsonWriter> members) => AdminRequest.Post($"keys/{name}", body =>
    {
        body.WriteString("key_id", result.GetRequiredValue(KeyCommands.Key));
        members(body);
    });

    private static void WriteNewKey(Utf8JsonWriter body, ParseResult result)
    {
        foreach ((string member, string? value) in ((string, string?)[])[("key_name", result.GetValue(NewKey)), ("description", result.GetValue(Description))])
        {
            if (value is not null)
            {
                body.WriteString(member, value);
            }
        }

        if (result.GetValue(NewTags) is { Length: > 0 } tags)
        {
            WriteTags(body, tags);
        }
    }

    private static void WriteTags(Utf8JsonWriter body, string[] tags)
    {
        body.WriteStartObject("tags");
        foreach (string tag in tags)
        {
            int equals = tag.IndexOf('=');
            if (equals < 1)
            {
                throw new CommandFault(ExitCode.Usage, $"'{tag}': tags are given as NAME=VALUE");
            }

            body.WriteString(tag[..equals], tag[(equals + 1)..]);
        }

        body.WriteEndObject();
    }
}
