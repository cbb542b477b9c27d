using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Help;
using System.Text.RegularExpressions;
using KmsSidecar.CommandLine.Client;

namespace KmsSidecar.Manual;

/// <summary>The command line as <c>--help</c> describes it.</summary>
/// <param name="Summary">One line.</param>
/// <param name="ExitCodes">Code and meaning.</param>
/// <param name="Commands">The root first, each above those below it.</param>
internal sealed partial record CommandTree(
    string Summary, ImmutableArray<(int Code, string Meaning)> ExitCodes, ImmutableArray<CommandEntry> Commands)
{
    public IEnumerable<CommandEntry> ChildrenOf(CommandEntry command) => command.Children.Select(name => Commands.First(
        entry => entry.Path == (command.Path.Length == 0 ? name : $"{command.Path} {name}")));

    public static CommandTree Read(RootCommand root)
    {
        ImmutableArray<CommandEntry>.Builder commands = ImmutableArray.CreateBuilder<CommandEntry>();
        Walk(root, "", commands);
        string[] parts = root.Description!.Split("Exit codes:");
        return new CommandTree(
            parts[0].Split('\n')[0].Trim(),
            [.. BetweenCodes().Split(parts[1].Trim()).Select(static row => row.Trim().Split(' ', 2)).Select(static row => (int.Parse(row[0], null), Flowing(row[1])))],
            commands.ToImmutable());
    }

    private static void Walk(Command command, string path, ImmutableArray<CommandEntry>.Builder into)
    {
        string[] parts = command.Description!.Split(CommandHelp.ExampleHeading);
        into.Add(new CommandEntry(
            path,
            Flowing(parts[0]),
            parts.Length == 1 ? [] : [.. parts[1].Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)],
            [.. command.Arguments.Select(ArgumentEntry.From)],
            [.. command.Options.Where(static option => !option.Hidden && option is not HelpOption).Select(OptionEntry.From), OptionEntry.Help],
            [.. command.Subcommands.Select(static child => child.Name)]));
        foreach (Command child in command.Subcommands)
        {
            Walk(child, path.Length == 0 ? child.Name : $"{path} {child.Name}", into);
        }
    }

    private static string Flowing(string text) => Blank().Replace(text, " ").Trim();

    [GeneratedRegex(@"[,\n]\s*(?=\d+ )")]
    private static partial Regex BetweenCodes();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blank();
}

/// <param name="Path">Such as <c>keys import</c>; empty for the root.</param>
/// <param name="Examples">Whole commands, a line each.</param>
/// <param name="Children">Names of the commands right below.</param>
internal sealed record CommandEntry(
    string Path,
    string Description,
    ImmutableArray<string> Examples,
    ImmutableArray<ArgumentEntry> Arguments,
    ImmutableArray<OptionEntry> Options,
    ImmutableArray<string> Children)
{
    /// <summary>The first sentence of the description, for a list beside others.</summary>
    public string Summary => Description.IndexOf(". ", StringComparison.Ordinal) is var end and > 0 ? Description[..end] : Description.TrimEnd('.');

    public string Name => Path[(Path.LastIndexOf(' ') + 1)..];

    /// <summary>Whether it does something itself.</summary>
    public bool IsLeaf => Children.IsEmpty;
}

/// <param name="Usage">As in a synopsis: <c>KEY</c>, <c>[KEY]</c>, <c>NAME...</c>.</param>
internal sealed record ArgumentEntry(string Name, string Usage, string Description)
{
    public static ArgumentEntry From(Argument argument)
    {
        string many = argument.Arity.MaximumNumberOfValues > 1 && !argument.Name.Contains(' ', StringComparison.Ordinal) ? $"{argument.Name}..." : argument.Name;
        return new ArgumentEntry(argument.Name, argument.Arity.MinimumNumberOfValues == 0 ? $"[{many}]" : many, argument.Description!);
    }
}
