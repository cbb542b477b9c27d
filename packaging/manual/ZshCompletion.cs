using System.Text;

namespace KmsSidecar.Manual;

internal static class ZshCompletion
{
    public static string Write(CommandTree tree)
    {
        StringBuilder text = new("#compdef kms-sidecar\n# kms-sidecar: completion for zsh\n");
        foreach (CommandEntry command in tree.Commands.Reverse())
        {
            text.Append($"\n{Function(command.Path)}() {{\n");
            if (!command.IsLeaf)
            {
                text.Append("  local context state line\n");
            }

            text.Append($"  _arguments -s{(command.IsLeaf ? "" : " -C")}");
            foreach (OptionEntry option in command.Options)
            {
                text.Append($" \\\n    '{Specification(option, option.Name)}'");
                if (option.Letter is { } letter)
                {
                    text.Append($" \\\n    '{Specification(option, letter)}'");
                }
            }

            if (!command.Arguments.IsEmpty)
            {
                text.Append(" \\\n    '*:value:()'");
            }

            text.Append(command.IsLeaf ? "\n" : " \\\n    '1:command:->command' \\\n    '*::argument:->argument'\n");
            if (!command.IsLeaf)
            {
                WriteChildren(text, command, tree);
            }

            text.Append("}\n");
        }

        return text.Append("\n_kms_sidecar \"$@\"\n").ToString();
    }

    private static void WriteChildren(StringBuilder text, CommandEntry command, CommandTree tree)
    {
        text.Append("  case $state in\n    command)\n      local -a commands=(");
        foreach (CommandEntry child in tree.ChildrenOf(command))
        {
            text.Append($"\n        '{Escape($"{child.Name}:{child.Summary}")}'");
        }

        text.Append("\n      )\n      _describe command commands\n      ;;\n    argument)\n      case $words[1] in\n");
        foreach (CommandEntry child in tree.ChildrenOf(command))
        {
            text.Append($"        {child.Name}) {Function(child.Path)} ;;\n");
        }

        text.Append("      esac\n      ;;\n  esac\n");
    }

    private static string Function(string path) => path.Length == 0 ? "_kms_sidecar" : $"_kms_sidecar_{path.Replace(' ', '_')}";

    private static string Specification(OptionEntry option, string name)
    {
        string summary = Escape(option.Summary)
            .Replace("[", "\\[", StringComparison.Ordinal)
            .Replace("]", "\\]", StringComparison.Ordinal)
            .Replace(":", "\\:", StringComparison.Ordinal);
        string head = $"{(option.IsRepeatable ? "*" : "")}{name}{(option.ValueName is null ? "" : name == option.Letter ? "+" : "=")}[{summary}]";
        return option.Kind switch
        {
            ValueKind.None => head,
            ValueKind.File => $"{head}:file:_files",
            ValueKind.Directory => $"{head}:directory:_directories",
            ValueKind.Group => $"{head}:group:_groups",
            ValueKind.Choice => $"{head}:value:({string.Join(' ', option.Choices)})",
            _ => $"{head}:value: ",
        };
    }

    /// <summary>For single quotes.</summary>
    private static string Escape(string text) => text.Replace("'", "'\\''", StringComparison.Ordinal);
}
