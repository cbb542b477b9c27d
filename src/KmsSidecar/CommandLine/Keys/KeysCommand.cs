using System.CommandLine;

namespace KmsSidecar.CommandLine.Keys;

/// <summary><c>keys</c>.</summary>
internal static class KeysCommand
{
    public static Command Build()
    {
        Command keys = new("keys", "See and change keys, and take them over from a key directory of RustFS or give them back to it.");
        foreach (Command command in (Command[])
            [KeyListCommand.Build(), .. KeyCommands.Build(), .. KeyLabelCommands.Build(), KeyDeletionCommand.Build(), .. KeyTransferCommands.Build()])
        {
            keys.Subcommands.Add(command);
        }

        return keys;
    }
}
