using System.Text;

namespace KmsSidecar.Manual;

internal static class BashCompletion
{
    public static string Write(CommandTree tree)
    {
        string commands = string.Join('|', tree.Commands.Select(static command => command.Path));
        StringBuilder text = new($$"""
            # kms-sidecar: completion for bash
            _kms_sidecar() {
              local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} path= options= i
              local commands='{{commands}}|'
              COMPREPLY=()
              for ((i = 1; i < COMP_CWORD; i++)); do
                [[ $commands == *"|${path:+$path }${COMP_WORDS[i]}|"* ]] || break
                path="${path:+$path }${COMP_WORDS[i]}"
              done

              # --name=value comes as three words.
              if [[ $word == '=' ]]; then
                word=
              elif [[ $before == '=' ]]; then
                before=${COMP_WORDS[COMP_CWORD - 2]}
              fi

              case $path in

            """);
        foreach (CommandEntry command in tree.Commands)
        {
            text.Append($"    '{command.Path}')\n");
            WriteValues(text, command);
            text.Append($"      options='{string.Join(' ', command.Options.Select(static option => option.Name))}'\n");
            if (!command.Children.IsEmpty)
            {
                text.Append($"      [[ $word == -* ]] || options='{string.Join(' ', command.Children)}'\n");
            }

            text.Append("      ;;\n");
        }

        return text.Append("""
              esac
              mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
            }
            complete -F _kms_sidecar kms-sidecar

            """).ToString();
    }

    private static void WriteValues(StringBuilder text, CommandEntry command)
    {
        IGrouping<string, OptionEntry>[] values = [.. command.Options.Where(static option => option.Kind != ValueKind.None).GroupBy(Generator)];
        if (values.Length == 0)
        {
            return;
        }

        text.Append("      case $before in\n");
        foreach (IGrouping<string, OptionEntry> alike in values)
        {
            text.Append($"        {string.Join(" | ", alike.SelectMany(static option => option.Letter is { } letter ? [letter, option.Name] : (string[])[option.Name]))})\n{alike.Key}          return\n          ;;\n");
        }

        text.Append("      esac\n");
    }

    private static string Generator(OptionEntry option) => option.Kind switch
    {
        ValueKind.File => "          compopt -o filenames\n" + Offer("-f"),
        ValueKind.Directory => "          compopt -o filenames\n" + Offer("-d"),
        ValueKind.Group => Offer("-g"),
        ValueKind.Choice => Offer($"-W '{string.Join(' ', option.Choices)}'"),
        _ => "",
    };

    private static string Offer(string what) => $"          mapfile -t COMPREPLY < <(compgen {what} -- \"$word\")\n";
}
