using System.Text;

namespace KmsSidecar.Manual;

internal static class FishCompletion
{
    public static string Write(CommandTree tree)
    {
        string commands = string.Join(' ', tree.Commands.Select(static command => Quote(command.Path)));
        StringBuilder text = new($"""
            # kms-sidecar: completion for fish
            function __kms_sidecar_at
                set -l path
                set -l commands {commands}
                for word in (commandline -opc)[2..-1]
                    contains -- (string join ' ' -- $path $word) $commands; or break
                    set -a path $word
                end
                test "$path" = "$argv[1]"
            end

            complete -c kms-sidecar -f

            """);
        foreach (CommandEntry command in tree.Commands)
        {
            string begin = $"complete -c kms-sidecar -n \"__kms_sidecar_at '{command.Path}'\"";
            foreach (CommandEntry child in tree.ChildrenOf(command))
            {
                text.Append($"{begin} -a {child.Name} -d {Quote(child.Summary)}\n");
            }

            foreach (OptionEntry option in command.Options)
            {
                text.Append($"{begin} -l {option.Name[2..]}{(option.Letter is { } letter ? $" -s {letter[1..]}" : "")}{Values(option)} -d {Quote(option.Summary)}\n");
            }
        }

        return text.ToString();
    }

    private static string Values(OptionEntry option) => option.Kind switch
    {
        ValueKind.None => "",
        ValueKind.File => " -r -F",
        ValueKind.Directory => " -x -a '(__fish_complete_directories)'",
        ValueKind.Group => " -x -a '(__fish_complete_groups)'",
        ValueKind.Choice => $" -x -a '{string.Join(' ', option.Choices)}'",
        _ => " -x",
    };

    private static string Quote(string text) =>
        $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}
